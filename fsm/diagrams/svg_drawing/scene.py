"""A scene: the shapes and arrows of a picture and where each of them is, before it becomes SVG."""

from __future__ import annotations

import attrs

from fsm.diagrams.graph_model import Cluster, GraphEdge, GraphNode
from fsm.diagrams.labels import cut_to_width
from fsm.text import as_label

from .graphviz import Curve, Point, Size

__all__ = [
    "NAME", "NOTE", "TEXT", "TITLE", "Arrow", "Item", "Marker", "Scene", "Shape", "cluster_title",
    "glow_width", "node_notes",
]  # fmt: skip

NAME, TEXT, NOTE = 13, 12, 11  # font sizes in pixels: a state's name, a label, a note below a name
TITLE = 26  # the height of the line with a cluster's name


@attrs.frozen
class Marker:
    """A shape that is not a state: `start`, where a run begins; `any`, any member of a cluster."""

    kind: str


Item = GraphNode | Cluster | Marker


@attrs.frozen
class Shape:
    """An item, the middle of its box and the size of it."""

    item: Item
    middle: Point
    size: Size


@attrs.frozen
class Arrow:
    """An edge as curves, and the lines of its label around a point."""

    edge: GraphEdge | None  # None: the arrow from the start to an initial state
    curves: tuple[Curve, ...]
    lines: tuple[str, ...] = ()
    middle: Point = (0, 0)


@attrs.frozen
class Scene:
    """All shapes and arrows between (0, 0) and the size, in pixels; y grows downwards."""

    size: Size
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]

    def move(self, right: float, down: float) -> Scene:
        """Return the same scene, moved by so many pixels."""
        return Scene(
            self.size,
            tuple(
                attrs.evolve(each, middle=(each.middle[0] + right, each.middle[1] + down))
                for each in self.shapes
            ),
            tuple(
                attrs.evolve(
                    each,
                    curves=tuple(curve.move(right, down) for curve in each.curves),
                    middle=(each.middle[0] + right, each.middle[1] + down),
                )
                for each in self.arrows
            ),
        )


def glow_width(node: GraphNode) -> float:
    """Return how many pixels of glow surround a state, by how many runs are there now."""
    return 3 + 7 * node.heat if node.heat else 0


def node_notes(node: GraphNode) -> tuple[str, ...]:
    """Return the lines below a state's name, cut to fit."""
    return tuple(cut_to_width(as_label(note), 40) for note in node.notes)


def cluster_title(cluster: Cluster) -> str:
    """Return the name of a cluster, cut to fit: that of a run's path may be long."""
    return cut_to_width(cluster.name, 48)
