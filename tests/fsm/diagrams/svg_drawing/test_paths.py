"""Outline: what an SVG draws of boxes and arrows."""

from __future__ import annotations

import pytest

from fsm.diagrams.svg_drawing.graphviz import Road
from fsm.diagrams.svg_drawing.paths import number, rounded, tip

DOWN = Road(((0, 0), (0, 3), (0, 6), (0, 10)), tip=(0, 17))


def corners(outline: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, corner.split(","))) for corner in outline.split()]


def test_a_head_reaches_from_the_end_of_the_line_to_the_tip() -> None:
    assert corners(tip(DOWN)) == [(0, 17), (-2.8, 10), (2.8, 10)]


@pytest.mark.parametrize("stroke", [1, 1.5, 2, 4])
def test_a_head_is_broader_than_its_line(stroke: float) -> None:
    _, (left, _), (right, _) = corners(tip(DOWN, stroke))

    assert right - left >= stroke + 4


def test_a_box_is_no_rounder_than_it_is_small() -> None:
    assert rounded((5, 5), (10, 10), 99) == rounded((5, 5), (10, 10), 5)


def test_a_number_is_as_short_as_it_can_be() -> None:
    assert (number(2.0), number(2.04), number(2.06)) == ("2", "2", "2.1")
