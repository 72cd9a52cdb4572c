"""Layout: where Graphviz puts boxes and the arrows between them.

Graphviz, which the wheels of pygraphviz contain (extra `diagrams`), gets sizes and numbers but no
text. A label is laid out as a box in the middle of its arrow: Graphviz leads arrows around boxes,
so that no arrow runs through the label of another.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from fsm.errors import MissingExtra

__all__ = ["Curve", "Layout", "Link", "Point", "Size", "arrange"]

K = TypeVar("K", bound=Hashable)
Point = tuple[float, float]
Size = tuple[float, float]

_INCH = 72  # points; Graphviz takes sizes in inches and returns points
_CLEAR = 6  # points left and right of a label that other arrows keep away from
_drawing = threading.Lock()  # Graphviz has global state and is not thread-safe


@attrs.frozen
class Link(Generic[K]):
    """An arrow to be laid out."""

    tail: K
    head: K
    label: Size | None = None
    backward: bool = False  # against the direction: its head is placed before its tail
    weight: int = 1  # the higher, the shorter and straighter
    unconstrained: bool = False  # does not influence where its ends are placed
    hidden: bool = False  # only influences where its ends are placed, and is not drawn


@attrs.frozen
class Curve:
    """A Bezier spline: a point, then three for each piece; and the tip of its arrowhead, if any."""

    points: tuple[Point, ...]
    tip: Point | None = None

    def move(self, right: float, down: float) -> Curve:
        """Return the same curve, moved by so many points."""
        tip = self.tip and (self.tip[0] + right, self.tip[1] + down)
        return Curve(tuple((x + right, y + down) for x, y in self.points), tip)


@attrs.frozen
class Layout(Generic[K]):
    """The middle of each box, and of each link's label, and the curves of each link.

    All in points from (0, 0) to the size; y grows downwards.
    """

    size: Size
    boxes: Mapping[K, Point]
    labels: tuple[Point | None, ...]
    curves: tuple[tuple[Curve, ...], ...]


def arrange(
    boxes: Mapping[K, Size], links: Sequence[Link[K]], direction: str, gap: float = 16
) -> Layout[K]:
    """Place *boxes*, and lead *links* between them.

    Args:
        boxes: The width and height of each box, in points.
        links: The arrows between them.
        direction: Where most arrows point: TB, BT, LR or RL.
        gap: The distance from one rank of boxes to the next, in points.

    Raises:
        MissingExtra: pygraphviz is not installed.
    """
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtra("drawing SVG", "diagrams") from error
    text = "\n".join(_lines(boxes, links, direction, gap))
    with _drawing:
        graph: Any = pygraphviz.AGraph(string=text)
        found: dict[str, Any] = json.loads(graph.draw(format="json0", prog="dot"))
    places = {each["name"]: _as_point(each["pos"]) for each in found["objects"]}
    curves: dict[str, list[Curve]] = {}
    for edge in found.get("edges", ()):
        place, _, reverse = edge.get("comment", "").partition(" ")
        curves.setdefault(place, []).append(_as_curve(edge["pos"], reverse=bool(reverse)))
    labels = tuple(places.get(f"l{place}") for place in range(len(links)))
    layout = Layout(
        (0, 0),
        {key: places[f"b{place}"] for place, key in enumerate(boxes)},
        labels,
        tuple(
            _join_label(curves.get(str(place), []), link.label, labels[place])
            for place, link in enumerate(links)
        ),
    )
    return _crop(layout, [*boxes.values(), *(link.label for link in links)])


def _crop(layout: Layout[K], sizes: Iterable[Size | None]) -> Layout[K]:
    """Let the layout begin at (0, 0), and measure it: Graphviz leaves some arrows outside."""
    corners = [
        (middle[0] + side * size[0] / 2, middle[1] + side * size[1] / 2)
        for middle, size in zip([*layout.boxes.values(), *layout.labels], sizes, strict=True)
        for side in (-1, 1)
        if middle and size
    ]
    curves = (curve for link in layout.curves for curve in link)
    xs, ys = zip(*corners, *(point for curve in curves for point in curve.points), strict=True)
    left, top = min(xs), min(ys)
    return Layout(
        (max(xs) - left, max(ys) - top),
        {key: (x - left, y - top) for key, (x, y) in layout.boxes.items()},
        tuple(middle and (middle[0] - left, middle[1] - top) for middle in layout.labels),
        tuple(tuple(curve.move(-left, -top) for curve in link) for link in layout.curves),
    )


def _lines(
    boxes: Mapping[K, Size], links: Sequence[Link[K]], direction: str, gap: float
) -> Iterator[str]:
    names = {key: f"b{place}" for place, key in enumerate(boxes)}
    yield f"digraph {{ rankdir={direction}; nodesep=0.2; ranksep={gap / _INCH:.4f}"
    yield 'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.7]'
    for key, size in boxes.items():
        yield f"{names[key]} [{_as_inches(size)}]"
    for place, link in enumerate(links):
        tail, head = names[link.tail], names[link.head]
        marks = (
            f'comment="{place}{" reverse" * link.backward}", weight={link.weight}'
            + ", constraint=false" * link.unconstrained
        )
        if link.hidden:
            yield f"{tail} -> {head} [style=invis]"
        elif link.label is None:
            yield _arrow(tail, head, marks, backward=link.backward)
        else:
            wide, high = link.label
            yield f"l{place} [{_as_inches((wide + 2 * _CLEAR, high + _CLEAR))}]"
            yield _arrow(tail, f"l{place}", marks, backward=link.backward, tip=False)
            yield _arrow(f"l{place}", head, marks, backward=link.backward)
    yield "}"


def _arrow(tail: str, head: str, marks: str, *, backward: bool, tip: bool = True) -> str:
    """An arrow in DOT. One that leads backward is declared from its head, to be placed first."""
    if backward:
        return f"{head} -> {tail} [{marks}, dir={'back' if tip else 'none'}]"
    return f"{tail} -> {head} [{marks}, dir={'forward' if tip else 'none'}]"


def _as_inches(size: Size) -> str:
    return f"width={size[0] / _INCH:.4f}, height={size[1] / _INCH:.4f}"


def _as_point(text: str) -> Point:
    """A point of Graphviz, whose y grows upwards."""
    x, y = text.split(",")
    return float(x), -float(y)


def _as_curve(text: str, *, reverse: bool) -> Curve:
    """A spline of Graphviz: its tip as `e,x,y`, or `s,x,y` if declared backward; then points."""
    *tips, first = text.split(" ", 1) if text[0] in "es" else (text,)
    points = [_as_point(word) for word in first.split()]
    tip = _as_point(tips[0][2:]) if tips else None
    return Curve(tuple(reversed(points) if reverse else points), tip)


def _join_label(curves: list[Curve], size: Size | None, middle: Point | None) -> tuple[Curve, ...]:
    """Lead both halves of an arrow on to the label between them."""
    if size is None or middle is None:
        return tuple(curves)
    before, after = sorted(curves, key=lambda curve: curve.tip is not None)
    end = _border_point(before.points[-1], size, middle)
    begin = _border_point(after.points[0], size, middle)
    return (
        Curve((*before.points, before.points[-1], end, end)),
        Curve((begin, begin, after.points[0], *after.points), after.tip),
    )


def _border_point(point: Point, size: Size, middle: Point) -> Point:
    """Where the line from *point*, outside a box, to its middle meets the border."""
    right, down = point[0] - middle[0], point[1] - middle[1]
    share = min(1.0, *(
        side / 2 / abs(far) for side, far in zip(size, (right, down), strict=True) if far
    ))  # fmt: skip
    return middle[0] + share * right, middle[1] + share * down
