"""Scene: the shapes and arrows of a picture, and where each of them is."""

from __future__ import annotations

import attrs

from fsm.diagrams.graph_model import Cluster, Edge, Node
from fsm.diagrams.timeline.sheet import cut
from fsm.text import as_label

from .graphviz import Point, Road, Size

__all__ = [
    "NAME", "NOTE", "TEXT", "TITLE", "Arrow", "Mark", "Scene", "Shape", "Thing", "glow", "noted",
    "titled",
]  # fmt: skip

NAME, TEXT, NOTE = 13, 12, 11  # the sizes of letters: a state's name, a label, what is below a name
TITLE = 26  # the height of the line with a family's name


@attrs.frozen
class Mark:
    """What stands for no state: where a run begins, or any member of a family."""

    kind: str


Thing = Node | Cluster | Mark


@attrs.frozen
class Shape:
    """A thing and where it is: its middle and its size."""

    thing: Thing
    middle: Point
    size: Size


@attrs.frozen
class Arrow:
    """An edge and its ways; the lines of its label, around a point. Without an edge: the start."""

    edge: Edge | None
    roads: tuple[Road, ...]
    lines: tuple[str, ...] = ()
    middle: Point = (0, 0)


@attrs.frozen
class Scene:
    """All shapes and arrows, from (0, 0) to the size; y grows downwards."""

    size: Size
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]

    def moved(self, right: float, down: float) -> Scene:
        """The same elsewhere."""
        return Scene(
            self.size,
            tuple(
                attrs.evolve(each, middle=(each.middle[0] + right, each.middle[1] + down))
                for each in self.shapes
            ),
            tuple(
                attrs.evolve(
                    each,
                    roads=tuple(road.moved(right, down) for road in each.roads),
                    middle=(each.middle[0] + right, each.middle[1] + down),
                )
                for each in self.arrows
            ),
        )


def glow(node: Node) -> float:
    """How far a state glows, by how many of many runs are there."""
    return 3 + 7 * node.heat if node.heat else 0


def noted(node: Node) -> tuple[str, ...]:
    """What is said below a state's name."""
    return tuple(cut(as_label(note), 40) for note in node.notes)


def titled(cluster: Cluster) -> str:
    """The name of a family, as far as there is room above it; that of a run may be long."""
    return cut(cluster.name, 48)
