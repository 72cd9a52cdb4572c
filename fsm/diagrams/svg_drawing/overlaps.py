"""Counts the arrows of a scene that run through a text.

Graphviz leads arrows around boxes, but not always. Where it does not, `compose` tries another
layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsm.diagrams.graph_model import Cluster, GraphNode
from fsm.text import as_label

from .fonts import text_size
from .graphviz import Point
from .scene import NAME, TEXT, TITLE, Arrow, Scene, cluster_title

__all__ = ["count_overlaps"]

Box = tuple[float, float, float, float]  # left, top, right, bottom
_FINE = 2.0  # pixels; a piece of an arrow that is no longer counts as a point


def count_overlaps(scene: Scene) -> int:
    """Count how often an arrow runs through a text that is not its own label."""
    texts = [*_names(scene), *_labels(scene)]
    count = 0
    for arrow in scene.arrows:
        for curve in arrow.curves:
            bounds = _bounds(curve.points)
            pieces = [curve.points[at : at + 4] for at in range(0, len(curve.points) - 1, 3)]
            count += sum(
                any(_runs_through(piece, box) for piece in pieces)
                for box, owner in texts
                if owner is not arrow and _overlap(bounds, box)
            )
    return count


def _names(scene: Scene) -> Iterator[tuple[Box, None]]:
    for shape in scene.shapes:
        (x, y), (_, high) = shape.middle, shape.size
        if isinstance(shape.item, GraphNode):
            yield _box_around((x, y), [as_label(shape.item.name)], NAME), None
        elif isinstance(shape.item, Cluster):
            top = x, y - high / 2 + TITLE / 2
            yield _box_around(top, [cluster_title(shape.item)], NAME), None


def _labels(scene: Scene) -> Iterator[tuple[Box, Arrow]]:
    for arrow in scene.arrows:
        if arrow.lines:
            yield _box_around(arrow.middle, arrow.lines, TEXT), arrow


def _box_around(middle: Point, lines: Sequence[str], size: float) -> Box:
    (x, y), (wide, high) = middle, text_size(lines, size)
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _bounds(points: Sequence[Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _runs_through(piece: Sequence[Point], box: Box) -> bool:
    """Whether a Bezier curve meets a box: it lies within the bounds of its four points."""
    bounds = _bounds(piece)
    if not _overlap(bounds, box):
        return False
    if max(bounds[2] - bounds[0], bounds[3] - bounds[1]) <= _FINE:
        return True
    return any(_runs_through(half, box) for half in _halves(piece))


def _halves(piece: Sequence[Point]) -> tuple[Sequence[Point], Sequence[Point]]:
    """Split a curve in its middle, by de Casteljau's algorithm."""
    rows = [list(piece)]
    while len(rows[-1]) > 1:
        rows.append([
            ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
            for one, other in zip(rows[-1], rows[-1][1:], strict=False)
        ])  # fmt: skip
    return [row[0] for row in rows], [row[-1] for row in reversed(rows)]
