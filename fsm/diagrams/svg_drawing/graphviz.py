"""Layout: where boxes and the arrows between them go, as Graphviz finds it.

Graphviz, which the wheels of pygraphviz carry (extra `diagrams`), sees sizes and numbers and no
text. A label is a box in the middle of its arrow: arrows are led around boxes, so that none runs
through the label of another; only its own goes on to the text.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from fsm.errors import MissingExtra

__all__ = ["Layout", "Link", "Point", "Road", "Size", "arrange"]

K = TypeVar("K", bound=Hashable)
Point = tuple[float, float]
Size = tuple[float, float]

_INCH = 72  # of the points in which all is measured
_CLEAR = 6  # left and right of a label, where no other arrow comes
_drawing = threading.Lock()  # Graphviz is one for the process, and not safe under threads


@attrs.frozen
class Link(Generic[K]):
    """An arrow that is wanted."""

    tail: K
    head: K
    label: Size | None = None
    backward: bool = False  # against the direction: its head is placed before its tail
    weight: int = 1  # how much it wants to be short and straight
    loose: bool = False  # has no say in where its ends are placed
    hidden: bool = False  # it only places its ends


@attrs.frozen
class Road:
    """A Bezier spline: a point, then three for each piece; and where the tip of its arrow is."""

    points: tuple[Point, ...]
    tip: Point | None = None

    def moved(self, right: float, down: float) -> Road:
        """The same elsewhere."""
        tip = self.tip and (self.tip[0] + right, self.tip[1] + down)
        return Road(tuple((x + right, y + down) for x, y in self.points), tip)


@attrs.frozen
class Layout(Generic[K]):
    """Where all is: the middle of each box, and of each link's label; y grows downwards."""

    size: Size
    boxes: Mapping[K, Point]
    labels: tuple[Point | None, ...]
    roads: tuple[tuple[Road, ...], ...]


def arrange(
    boxes: Mapping[K, Size], links: Sequence[Link[K]], direction: str, gap: float = 16
) -> Layout[K]:
    """Find a place for *boxes* of these sizes, and a way for *links* between them.

    Args:
        boxes: Their sizes.
        links: What leads from one to another.
        direction: Where most of them point.
        gap: How far one rank of boxes is from the next.

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
    places = {each["name"]: _flipped(each["pos"]) for each in found["objects"]}
    ways: dict[str, list[Road]] = {}
    for edge in found.get("edges", ()):
        place, _, turned = edge.get("comment", "").partition(" ")
        ways.setdefault(place, []).append(_road(edge["pos"], turned=bool(turned)))
    labels = tuple(places.get(f"l{place}") for place in range(len(links)))
    layout = Layout(
        (0, 0),
        {key: places[f"b{place}"] for place, key in enumerate(boxes)},
        labels,
        tuple(
            _met(ways.get(str(place), []), link.label, labels[place])
            for place, link in enumerate(links)
        ),
    )
    return _fitted(layout, [*boxes.values(), *(link.label for link in links)])


def _fitted(layout: Layout[K], sizes: Iterable[Size | None]) -> Layout[K]:
    """Begin at (0, 0), and tell how large it is: Graphviz would leave some arrows outside."""
    corners = [
        (middle[0] + side * size[0] / 2, middle[1] + side * size[1] / 2)
        for middle, size in zip([*layout.boxes.values(), *layout.labels], sizes, strict=True)
        for side in (-1, 1)
        if middle and size
    ]
    roads = (road for way in layout.roads for road in way)
    xs, ys = zip(*corners, *(point for road in roads for point in road.points), strict=True)
    left, top = min(xs), min(ys)
    return Layout(
        (max(xs) - left, max(ys) - top),
        {key: (x - left, y - top) for key, (x, y) in layout.boxes.items()},
        tuple(middle and (middle[0] - left, middle[1] - top) for middle in layout.labels),
        tuple(tuple(road.moved(-left, -top) for road in way) for way in layout.roads),
    )


def _lines(
    boxes: Mapping[K, Size], links: Sequence[Link[K]], direction: str, gap: float
) -> Iterator[str]:
    names = {key: f"b{place}" for place, key in enumerate(boxes)}
    yield f"digraph {{ rankdir={direction}; nodesep=0.2; ranksep={gap / _INCH:.4f}"
    yield 'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.7]'
    for key, size in boxes.items():
        yield f"{names[key]} [{_sized(size)}]"
    for place, link in enumerate(links):
        tail, head = names[link.tail], names[link.head]
        marks = (
            f'comment="{place}{" turned" * link.backward}", weight={link.weight}'
            + ", constraint=false" * link.loose
        )
        if link.hidden:
            yield f"{tail} -> {head} [style=invis]"
        elif link.label is None:
            yield _arrow(tail, head, marks, backward=link.backward)
        else:
            wide, high = link.label
            yield f"l{place} [{_sized((wide + 2 * _CLEAR, high + _CLEAR))}]"
            yield _arrow(tail, f"l{place}", marks, backward=link.backward, tip=False)
            yield _arrow(f"l{place}", head, marks, backward=link.backward)
    yield "}"


def _arrow(tail: str, head: str, marks: str, *, backward: bool, tip: bool = True) -> str:
    """An arrow in DOT. One that leads backward is told from its head, which is placed first."""
    if backward:
        return f"{head} -> {tail} [{marks}, dir={'back' if tip else 'none'}]"
    return f"{tail} -> {head} [{marks}, dir={'forward' if tip else 'none'}]"


def _sized(size: Size) -> str:
    return f"width={size[0] / _INCH:.4f}, height={size[1] / _INCH:.4f}"


def _flipped(written: str) -> Point:
    """A point of Graphviz, whose y grows upwards."""
    x, y = written.split(",")
    return float(x), -float(y)


def _road(written: str, *, turned: bool) -> Road:
    """A spline of Graphviz: the tip as `e,x,y` or, where told backward, `s,x,y`; then points."""
    *tips, first = written.split(" ", 1) if written[0] in "es" else (written,)
    points = [_flipped(word) for word in first.split()]
    tip = _flipped(tips[0][2:]) if tips else None
    return Road(tuple(reversed(points) if turned else points), tip)


def _met(roads: list[Road], size: Size | None, middle: Point | None) -> tuple[Road, ...]:
    """Lead both halves of a way on to the label between them."""
    if size is None or middle is None:
        return tuple(roads)
    before, after = sorted(roads, key=lambda road: road.tip is not None)
    end = _bordering(before.points[-1], size, middle)
    begin = _bordering(after.points[0], size, middle)
    return (
        Road((*before.points, before.points[-1], end, end)),
        Road((begin, begin, after.points[0], *after.points), after.tip),
    )


def _bordering(point: Point, size: Size, middle: Point) -> Point:
    """Where the line from *point*, outside a box, to its middle meets its border."""
    right, down = point[0] - middle[0], point[1] - middle[1]
    share = min(1.0, *(
        side / 2 / abs(way) for side, way in zip(size, (right, down), strict=True) if way
    ))  # fmt: skip
    return middle[0] + share * right, middle[1] + share * down
