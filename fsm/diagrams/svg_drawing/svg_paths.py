"""Boxes, curves and arrowheads as SVG path data, and numbers as SVG writes them."""

from __future__ import annotations

from collections.abc import Iterable

from .graphviz import Curve, Point, Size

__all__ = ["arrowhead", "box_path", "curve_path", "format_number", "format_points"]


def box_path(middle: Point, size: Size, radius: float) -> str:
    """Return the path of a box whose corners are rounded with *radius*, in pixels."""
    (x, y), (wide, high) = middle, size
    left, right, top, bottom = x - wide / 2, x + wide / 2, y - high / 2, y + high / 2
    if not radius:
        begin = format_points([(left, top)])
        return f"M{begin}H{format_number(right)}V{format_number(bottom)}H{format_number(left)}Z"
    r = min(radius, wide / 2, high / 2)
    return "".join(
        f"{'L' if place else 'M'}{format_points([begin])}Q{format_points([corner, end])}"
        for place, (begin, corner, end) in enumerate((
            ((left, top + r), (left, top), (left + r, top)),
            ((right - r, top), (right, top), (right, top + r)),
            ((right, bottom - r), (right, bottom), (right - r, bottom)),
            ((left + r, bottom), (left, bottom), (left, bottom - r)),
        ))
    ) + "Z"  # fmt: skip


def curve_path(curve: Curve) -> str:
    """Return the path of an arrow, without its head."""
    return f"M{format_points(curve.points[:1])}C{format_points(curve.points[1:])}"


def arrowhead(curve: Curve, stroke: float = 1) -> str:
    """Return the three points of an arrow's head, which grows with the width of its line."""
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip or curve.points[-1]
    size = 1 + 0.2 * (stroke - 1)
    back_x, back_y = size * (tip_x - x), size * (tip_y - y)
    x, y, right, down = tip_x - back_x, tip_y - back_y, 0.4 * back_x, 0.4 * back_y
    return format_points([(tip_x, tip_y), (x - down, y + right), (x + down, y - right)])


def format_points(points: Iterable[Point]) -> str:
    """Return points as `x,y x,y`."""
    return " ".join(f"{format_number(x)},{format_number(y)}" for x, y in points)


def format_number(value: float) -> str:
    """Return a number of pixels with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
