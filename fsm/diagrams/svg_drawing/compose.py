"""Composes the scene of a graph: decides the layout and measures all texts.

Each cluster is laid out by itself and is then one box among the others. Arrows from elsewhere end
at its border, so none of them runs through a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from fsm.diagrams.graph_model import Cluster, Direction, End, GraphEdge, GraphNode, StateGraph
from fsm.text import as_label

from .focus import focus
from .fonts import BOLD, LINE, break_lines, text_size, text_width
from .graphviz import Layout, Link, Size, arrange
from .overlaps import count_overlaps
from .scene import (  # fmt: skip
    NAME,
    NOTE,
    TEXT,
    TITLE,
    Arrow,
    Item,
    Marker,
    Scene,
    Shape,
    cluster_title,
    glow_width,
    node_notes,
)

__all__ = ["compose"]

_START, _ANY = Marker("start"), Marker("any")
_PADDING = 10  # pixels between the border of a cluster and its content
_NEAR, _GAP = 16, 20  # pixels from rank to rank: within a cluster, and between clusters
_ACROSS = {
    Direction.TB: Direction.LR,
    Direction.BT: Direction.RL,
    Direction.LR: Direction.TB,
    Direction.RL: Direction.BT,
}
_ROW = 4  # states without edges stand in rows of so many
_PAGE = 1_180  # pixels; the width that a picture drawn downwards should fit


@attrs.frozen
class LayoutOptions:
    """One way to lay a graph out."""

    longest: int = 26  # characters in a line of a label
    beside: bool = True  # the states that a run did not visit are beside its path, not below it
    sparse: bool = False  # between the visited states, only the edges that were taken are drawn


# The first layout that fits the page without overlaps is taken, or else the one that is nearest.
_OF_LIFECYCLES = (LayoutOptions(), LayoutOptions(longest=18), LayoutOptions(longest=12))
_OF_RUNS = (
    LayoutOptions(),
    LayoutOptions(beside=False),
    LayoutOptions(longest=18),
    LayoutOptions(longest=18, beside=False),
    LayoutOptions(longest=18, beside=False, sparse=True),
    LayoutOptions(longest=12, beside=False, sparse=True),
)


def compose(shown: StateGraph, direction: Direction | None) -> Scene:
    """Return the scene of *shown*.

    Args:
        shown: The graph to draw. Of a run, its path is brought to the front.
        direction: Where most arrows point. None chooses: right if no edge has a label, as in
            inheritance; otherwise down, or right if only that fits the page.

    Raises:
        MissingExtra: pygraphviz is not installed.
    """
    if direction is not None:
        return _compose(shown, direction)
    if not any(edge.labels for edge in shown.edges):
        return _compose(shown, Direction.LR)
    found = _compose(shown, Direction.TB)
    wide, high = found.size
    if wide <= _PAGE or high > _PAGE / 2:
        return found
    candidates = found, _compose(shown, Direction.LR)
    return min(candidates, key=lambda scene: (count_overlaps(scene), scene.size[0]))


def _compose(shown: StateGraph, direction: Direction) -> Scene:
    found: list[tuple[int, float, Scene]] = []
    for options in _OF_RUNS if shown.shows_run else _OF_LIFECYCLES:
        scene = _Composer(shown, direction, options).compose()
        wide = scene.size[0] if direction in (Direction.TB, Direction.BT) else 0
        found.append((count_overlaps(scene), max(wide, _PAGE), scene))
        # More than two pages wide: no other layout would make it fit.
        if found[-1][:2] == (0, _PAGE) or wide > 2 * _PAGE:
            break
    return min(found, key=lambda each: each[:2])[2]


class _Composer:
    """Lays one graph out with given options."""

    def __init__(self, shown: StateGraph, direction: Direction, options: LayoutOptions) -> None:
        self._shown = focus(shown, sparse=options.sparse) if shown.shows_run else shown
        self._direction = direction
        self._options = options
        self._order = shown.order()
        self._path = shown.path().order() if shown.shows_run else {}
        self._clusters = {edge: self._shown.cluster_around(edge) for edge in self._shown.edges}

    def compose(self) -> Scene:
        """Lay out the inside of each cluster, then the clusters among the other states."""
        inside = {cluster: self._inside(cluster) for cluster in self._shown.clusters}
        boxes: dict[Item, Size] = {
            cluster: _cluster_size(cluster, part.size) for cluster, part in inside.items()
        }
        boxes |= {node: _item_size(node) for node in self._shown.unclustered}
        edges = [edge for edge, cluster in self._clusters.items() if cluster is None]
        across = self._options.beside and any(map(self._was_visited, self._shown.clusters))
        direction = _ACROSS[self._direction] if across else self._direction
        # Labels keep the ranks apart; without any, the gap is larger.
        gap = _GAP if any(map(self._lines, edges)) else 2 * _GAP
        whole = self._arrange(boxes, edges, direction, gap)
        parts = [whole]
        for shape in whole.shapes:
            if isinstance(shape.item, Cluster):
                parts.append(_move_into(shape, inside[shape.item]))
        return Scene(
            whole.size,
            tuple(shape for part in parts for shape in part.shapes),
            tuple(arrow for part in parts for arrow in part.arrows),
        )

    def _inside(self, cluster: Cluster) -> Scene:
        edges = [edge for edge, around in self._clusters.items() if around == cluster]
        boxes: dict[Item, Size] = {node: _item_size(node) for node in cluster.nodes}
        if any(edge.source == cluster for edge in edges):
            boxes[_ANY] = _item_size(_ANY)
        direction = self._direction if self._was_visited(cluster) else Direction.TB
        return self._arrange(boxes, edges, direction)

    def _arrange(
        self,
        boxes: dict[Item, Size],
        edges: Sequence[GraphEdge],
        direction: Direction,
        gap: float = _NEAR,
    ) -> Scene:
        labels = [self._lines(edge) for edge in edges]
        links: list[Link[Item]] = [
            self._link(edge, lines, boxes) for edge, lines in zip(edges, labels, strict=True)
        ]
        initial = [item for item in boxes if isinstance(item, GraphNode) and item.initial]
        links += [Link[Item](_START, node) for node in initial]
        if initial:
            boxes = {**boxes, _START: _item_size(_START)}
        layout = arrange(boxes, [*links, *_rows(boxes, links)], direction.value, gap)
        drawn = [*zip(edges, labels, strict=True), *((None, ()) for _ in initial)]
        return _as_scene(boxes, drawn, layout)

    def _lines(self, edge: GraphEdge) -> tuple[str, ...]:
        """The label. An edge that was not taken has none; its tooltip says what it is."""
        if self._shown.shows_activity and not edge.taken:
            return ()
        return break_lines(edge.lines, self._options.longest)

    def _link(
        self, edge: GraphEdge, lines: Sequence[str], boxes: Mapping[Item, Size]
    ) -> Link[Item]:
        shown = self._shown
        tail, head = (
            end if end in boxes else shown.container(end) if isinstance(end, GraphNode) else _ANY
            for end in (edge.source, edge.dest)
        )
        return Link(
            tail,
            head,
            # Bold letters reach down further in some fonts; the steps of a run are not bold.
            label=_label_size(lines, 0 if shown.shows_run else 2) if lines else None,
            backward=self._is_backward(edge),
            weight=self._weight(edge),
            unconstrained=shown.shows_run
            and not (self._was_visited(edge.source) or self._was_visited(edge.dest)),
        )

    def _weight(self, edge: GraphEdge) -> int:
        """More for an edge to the next in the order, so that most of these are straight."""
        if self._shown.shows_run:
            return 1
        return 3 if self._order[edge.dest] - self._order[edge.source] == 1 else 1

    def _was_visited(self, end: End) -> bool:
        """Whether the run that is shown has been everywhere in it."""
        return self._shown.shows_run and all(node.visits for node in end.nodes)

    def _is_backward(self, edge: GraphEdge) -> bool:
        if edge.inner:
            return False
        for order in (self._path, self._order):
            if edge.source in order and edge.dest in order:
                return order[edge.source] > order[edge.dest]
        return self._was_visited(edge.dest)  # the states that were not visited are beside the path


def _as_scene(
    boxes: Mapping[Item, Size],
    drawn: Iterable[tuple[GraphEdge | None, tuple[str, ...]]],
    layout: Layout[Item],
) -> Scene:
    shapes = tuple(Shape(item, layout.boxes[item], size) for item, size in boxes.items())
    arrows = tuple(
        Arrow(edge, curves, lines, middle or (0, 0))
        for (edge, lines), curves, middle in zip(drawn, layout.curves, layout.labels, strict=False)
    )
    return Scene(layout.size, shapes, arrows)


def _move_into(shape: Shape, part: Scene) -> Scene:
    """Move the inside of a cluster into its box, below its name."""
    (x, y), (_, height) = shape.middle, shape.size
    return part.move(x - part.size[0] / 2, y - height / 2 + TITLE)


def _rows(boxes: Mapping[Item, Size], links: Iterable[Link[Item]]) -> list[Link[Item]]:
    """Hidden links that put the items without edges into rows."""
    joined = {end for link in links if not link.unconstrained for end in (link.tail, link.head)}
    alone = [item for item in boxes if item not in joined]
    row = _ROW if len(alone) > _ROW + 1 else len(alone)  # no row of a single item
    return [
        Link(above, below, hidden=True) for above, below in zip(alone, alone[row:], strict=False)
    ]


def _item_size(item: GraphNode | Marker) -> Size:
    if item == _START:
        return 10, 10
    if isinstance(item, Marker):
        return text_width(item.kind, TEXT) + 16, 22
    around = (6 if item.final else 0) + 2 * glow_width(item)  # the second border, and the glow
    notes = [text_width(note, NOTE) for note in node_notes(item)]
    wide = max(text_width(as_label(item.name) or "?", NAME), *notes, 0)
    below = LINE * NOTE * len(notes) + 4 if notes else 0
    return wide + 18 + around, 27 + below + around


def _cluster_size(cluster: Cluster, size: Size) -> Size:
    wide = max(size[0], BOLD * text_width(cluster_title(cluster), NAME))
    return wide + 2 * _PADDING, size[1] + TITLE + _PADDING


def _label_size(lines: Sequence[str], below: float) -> Size:
    """The box of a label; its own arrow ends at the border of it."""
    wide, high = text_size(lines, TEXT)
    return wide + 4, high + below
