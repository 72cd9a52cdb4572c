"""Outline: boxes, curves and the heads of arrows, as an SVG writes them."""

from __future__ import annotations

from collections.abc import Iterable

from .graphviz import Point, Road, Size

__all__ = ["curve", "number", "points", "rounded", "tip"]


def rounded(middle: Point, size: Size, radius: float) -> str:
    """The outline of a box."""
    (x, y), (wide, high) = middle, size
    left, right, top, bottom = x - wide / 2, x + wide / 2, y - high / 2, y + high / 2
    if not radius:
        return f"M{points([(left, top)])}H{number(right)}V{number(bottom)}H{number(left)}Z"
    r = min(radius, wide / 2, high / 2)
    return "".join(
        f"{'L' if place else 'M'}{points([begin])}Q{points([corner, end])}"
        for place, (begin, corner, end) in enumerate((
            ((left, top + r), (left, top), (left + r, top)),
            ((right - r, top), (right, top), (right, top + r)),
            ((right, bottom - r), (right, bottom), (right - r, bottom)),
            ((left + r, bottom), (left, bottom), (left, bottom - r)),
        ))
    ) + "Z"  # fmt: skip


def curve(road: Road) -> str:
    """The line of an arrow, without its head."""
    return f"M{points(road.points[:1])}C{points(road.points[1:])}"


def tip(road: Road, stroke: float = 1) -> str:
    """The head of an arrow: as large as it must be to be seen at the end of so broad a line."""
    (x, y), (tip_x, tip_y) = road.points[-1], road.tip or road.points[-1]
    size = 1 + 0.2 * (stroke - 1)
    back_x, back_y = size * (tip_x - x), size * (tip_y - y)
    x, y, right, down = tip_x - back_x, tip_y - back_y, 0.4 * back_x, 0.4 * back_y
    return points([(tip_x, tip_y), (x - down, y + right), (x + down, y - right)])


def points(points: Iterable[Point]) -> str:
    """Where they are, one after the other."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def number(value: float) -> str:
    """A length in pixels, to a tenth of one."""
    return f"{value:.1f}".removesuffix(".0")
