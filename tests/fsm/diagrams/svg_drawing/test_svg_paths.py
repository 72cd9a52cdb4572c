"""Boxes and arrows as SVG path data."""

from __future__ import annotations

import pytest

from fsm.diagrams.svg_drawing.graphviz import Curve
from fsm.diagrams.svg_drawing.svg_paths import arrowhead, box_path, format_number

DOWN = Curve(((0, 0), (0, 3), (0, 6), (0, 10)), tip=(0, 17))


def corners(path: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, corner.split(","))) for corner in path.split()]


def test_an_arrowhead_reaches_from_the_end_of_the_line_to_the_tip() -> None:
    assert corners(arrowhead(DOWN)) == [(0, 17), (-2.8, 10), (2.8, 10)]


@pytest.mark.parametrize("stroke", [1, 1.5, 2, 4])
def test_an_arrowhead_is_wider_than_its_line(stroke: float) -> None:
    _, (left, _), (right, _) = corners(arrowhead(DOWN, stroke))

    assert right - left >= stroke + 4


def test_the_radius_of_a_box_is_at_most_half_its_size() -> None:
    assert box_path((5, 5), (10, 10), 99) == box_path((5, 5), (10, 10), 5)


def test_a_number_has_at_most_one_decimal() -> None:
    assert (format_number(2.0), format_number(2.04), format_number(2.06)) == ("2", "2", "2.1")
