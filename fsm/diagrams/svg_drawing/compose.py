"""Stage: a graph becomes a scene.

Each family is laid out by itself and is then one box among the others, at whose border arrows
from elsewhere end: none of them runs through a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from fsm.diagrams.graph_model import Cluster, Edge, End, Graph, Node
from fsm.text import as_label

from .focus import front
from .fonts import BOLD, LINE, broken, room, width
from .graphviz import Layout, Link, Size, arrange
from .overlaps import crossings
from .scene import (  # fmt: skip
    NAME,
    NOTE,
    TEXT,
    TITLE,
    Arrow,
    Mark,
    Scene,
    Shape,
    Thing,
    glow,
    noted,
    titled,
)

__all__ = ["staged"]

_START, _ANY = Mark("start"), Mark("any")
_PADDING = 10  # within a family, around what it holds
_NEAR, _GAP = 16, 20  # from rank to rank: within a family, and between families
_ACROSS = {"TB": "LR", "BT": "RL", "LR": "TB", "RL": "BT"}
_ROW = 4  # states that no arrow holds in their place stand in rows of so many
_PAGE = 1_180  # what is drawn downwards is to be no wider


@attrs.frozen
class Way:
    """One way to lay a graph out."""

    longest: int = 26  # characters of a line of a label
    beside: bool = True  # what a run left out is beside its path, not below
    sparse: bool = False  # between the states a run was in, only what it did is drawn


# The first way that fits on the page and is clear is taken, or else the one that comes nearest.
_OF_LIFECYCLES = (Way(), Way(longest=18), Way(longest=12))
_OF_RUNS = (
    Way(),
    Way(beside=False),
    Way(longest=18),
    Way(longest=18, beside=False),
    Way(longest=18, beside=False, sparse=True),
    Way(longest=12, beside=False, sparse=True),
)


def staged(shown: Graph, direction: str | None) -> Scene:
    """Lay out *shown*; of a run, with its path at the front.

    Args:
        shown: What is drawn.
        direction: Where the arrows mostly point; if left out, to the right where they say nothing,
            as in inheritance, or where nothing else fits on the page, and down in general.

    Raises:
        MissingExtra: pygraphviz is not installed.
    """
    if direction is not None:
        return _staged(shown, direction)
    if not any(edge.labels for edge in shown.edges):
        return _staged(shown, "LR")
    found = _staged(shown, "TB")
    wide, high = found.size
    if wide <= _PAGE or high > _PAGE / 2:
        return found
    return min(found, _staged(shown, "LR"), key=lambda scene: (crossings(scene), scene.size[0]))


def _staged(shown: Graph, direction: str) -> Scene:
    found: list[tuple[int, float, Scene]] = []
    for way in _OF_RUNS if shown.traced else _OF_LIFECYCLES:
        scene = _Stage(shown, direction, way).scene()
        wide = scene.size[0] if direction in ("TB", "BT") else 0
        found.append((crossings(scene), max(wide, _PAGE), scene))
        if found[-1][:2] == (0, _PAGE) or wide > 2 * _PAGE:  # of which no way would make a page
            break
    return min(found, key=lambda each: each[:2])[2]


class _Stage:
    """One graph being laid out."""

    def __init__(self, shown: Graph, direction: str, way: Way) -> None:
        self._shown = front(shown, sparse=way.sparse) if shown.traced else shown
        self._direction = direction
        self._way = way
        self._order = shown.order()
        self._path = shown.path().order() if shown.traced else {}
        self._boxed = {edge: self._shown.boxed(edge) for edge in self._shown.edges}

    def scene(self) -> Scene:
        """The whole: what is in families is laid out first, then these among the others."""
        inside = {cluster: self._within(cluster) for cluster in self._shown.clusters}
        boxes: dict[Thing, Size] = {
            cluster: _family(cluster, part.size) for cluster, part in inside.items()
        }
        boxes |= {node: _sized(node) for node in self._shown.loose}
        edges = [edge for edge, box in self._boxed.items() if box is None]
        turned = self._way.beside and any(map(self._is_path, self._shown.clusters))
        direction = _ACROSS[self._direction] if turned else self._direction
        gap = _GAP if any(map(self._lines, edges)) else 2 * _GAP  # a label keeps them apart, too
        whole = self._arranged(boxes, edges, direction, gap)
        parts = [whole]
        for shape in whole.shapes:
            if isinstance(shape.thing, Cluster):
                parts.append(_put(inside[shape.thing], shape))
        return Scene(
            whole.size,
            tuple(shape for part in parts for shape in part.shapes),
            tuple(arrow for part in parts for arrow in part.arrows),
        )

    def _within(self, cluster: Cluster) -> Scene:
        edges = [edge for edge, box in self._boxed.items() if box == cluster]
        boxes: dict[Thing, Size] = {node: _sized(node) for node in cluster.nodes}
        if any(edge.source == cluster for edge in edges):
            boxes[_ANY] = _sized(_ANY)
        return self._arranged(boxes, edges, self._direction if self._is_path(cluster) else "TB")

    def _arranged(
        self, boxes: dict[Thing, Size], edges: Sequence[Edge], direction: str, gap: float = _NEAR
    ) -> Scene:
        lines = [self._lines(edge) for edge in edges]
        links: list[Link[Thing]] = [
            self._link(edge, said, boxes) for edge, said in zip(edges, lines, strict=True)
        ]
        begun = [thing for thing in boxes if isinstance(thing, Node) and thing.initial]
        links += [Link[Thing](_START, node) for node in begun]
        if begun:
            boxes = {**boxes, _START: _sized(_START)}
        found = arrange(boxes, [*links, *_rows(boxes, links)], direction, gap)
        told = [*zip(edges, lines, strict=True), *((None, ()) for _ in begun)]
        return _filled(boxes, told, found)

    def _lines(self, edge: Edge) -> tuple[str, ...]:
        """The label; what a run did not do is a faint line that tells its name when asked."""
        if self._shown.lit and not edge.taken:
            return ()
        return broken(edge.lines, self._way.longest)

    def _link(self, edge: Edge, lines: Sequence[str], boxes: Mapping[Thing, Size]) -> Link[Thing]:
        tail, head = (
            end if end in boxes else self._shown.home(end) if isinstance(end, Node) else _ANY
            for end in (edge.source, edge.dest)
        )
        return Link(
            tail,
            head,
            # Bold letters, which the steps of a run are not, reach down further in some fonts.
            label=_label(lines, 0 if self._shown.traced else 2) if lines else None,
            backward=self._is_backward(edge),
            weight=self._weight(edge),
            loose=self._shown.traced
            and not (self._is_path(edge.source) or self._is_path(edge.dest)),
        )

    def _weight(self, edge: Edge) -> int:
        """What follows next in the order is drawn straight: the spine of the picture."""
        if self._shown.traced:
            return 1
        return 3 if self._order[edge.dest] - self._order[edge.source] == 1 else 1

    def _is_path(self, end: End) -> bool:
        """Whether it is where the one run has been."""
        return self._shown.traced and all(node.visits for node in end.nodes)

    def _is_backward(self, edge: Edge) -> bool:
        if edge.inner:
            return False
        for order in (self._path, self._order):
            if edge.source in order and edge.dest in order:
                return order[edge.source] > order[edge.dest]
        return self._is_path(edge.dest)  # all that a run left out is beside its path


def _filled(
    boxes: Mapping[Thing, Size],
    told: Iterable[tuple[Edge | None, tuple[str, ...]]],
    found: Layout[Thing],
) -> Scene:
    shapes = tuple(Shape(thing, found.boxes[thing], size) for thing, size in boxes.items())
    arrows = tuple(
        Arrow(edge, roads, lines, middle or (0, 0))
        for (edge, lines), roads, middle in zip(told, found.roads, found.labels, strict=False)
    )
    return Scene(found.size, shapes, arrows)


def _put(part: Scene, shape: Shape) -> Scene:
    """Move what is in a family into its box, below its name."""
    (x, y), (_, height) = shape.middle, shape.size
    return part.moved(x - part.size[0] / 2, y - height / 2 + TITLE)


def _rows(boxes: Mapping[Thing, Size], links: Iterable[Link[Thing]]) -> list[Link[Thing]]:
    """Hidden links that put what nothing holds in its place into rows."""
    joined = {end for link in links if not link.loose for end in (link.tail, link.head)}
    alone = [thing for thing in boxes if thing not in joined]
    row = _ROW if len(alone) > _ROW + 1 else len(alone)  # one is not left to itself
    return [
        Link(above, below, hidden=True) for above, below in zip(alone, alone[row:], strict=False)
    ]


def _sized(thing: Node | Mark) -> Size:
    if thing == _START:
        return 10, 10
    if isinstance(thing, Mark):
        return width(thing.kind, TEXT) + 16, 22
    more = (6 if thing.final else 0) + 2 * glow(thing)  # the second border, and what glows
    notes = [width(note, NOTE) for note in noted(thing)]
    wide = max(width(as_label(thing.name) or "?", NAME), *notes, 0)
    below = LINE * NOTE * len(notes) + 4 if notes else 0
    return wide + 18 + more, 27 + below + more


def _family(cluster: Cluster, size: Size) -> Size:
    wide = max(size[0], BOLD * width(titled(cluster), NAME))
    return wide + 2 * _PADDING, size[1] + TITLE + _PADDING


def _label(lines: Sequence[str], below: float) -> Size:
    """The box of a label: its own arrow comes as near as this to the text."""
    wide, high = room(lines, TEXT)
    return wide + 4, high + below
