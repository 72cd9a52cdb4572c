"""Arrows that run through a text are counted."""

from __future__ import annotations

import pytest

from fsm.diagrams.graph_model import Cluster, GraphNode
from fsm.diagrams.svg_drawing.graphviz import Curve, Point
from fsm.diagrams.svg_drawing.overlaps import count_overlaps
from fsm.diagrams.svg_drawing.scene import Arrow, Scene, Shape

LABEL = Arrow(None, (), ("submit",), (100, 100))
STATE = Shape(GraphNode("Running"), (100, 100), (80, 30))
CLUSTER = Shape(Cluster("Meta family", ()), (100, 150), (200, 126))  # its name is at (100, 100)


def line(begin: Point, end: Point) -> Arrow:
    """A straight arrow."""
    return Arrow(None, (Curve((begin, begin, end, end)),))


def scene(*parts: Arrow | Shape) -> Scene:
    """A scene of these parts."""
    shapes = tuple(part for part in parts if isinstance(part, Shape))
    return Scene((200, 200), shapes, tuple(part for part in parts if isinstance(part, Arrow)))


@pytest.mark.parametrize("text", [LABEL, STATE, CLUSTER])
@pytest.mark.parametrize(
    ("begin", "end", "count"),
    [
        ((0, 100), (200, 100), 1),
        ((100, 0), (100, 200), 1),
        ((0, 0), (200, 200), 1),
        ((0, 80), (200, 80), 0),
        ((0, 0), (0, 200), 0),
        ((0, 140), (140, 0), 0),  # passes a corner
    ],
)
def test_an_arrow_through_a_text_is_counted(
    text: Arrow | Shape, begin: Point, end: Point, count: int
) -> None:
    assert count_overlaps(scene(text, line(begin, end))) == count


def test_a_curve_around_a_text_is_not_counted() -> None:
    around = Arrow(None, (Curve(((20, 100), (20, 0), (180, 0), (180, 100))),))

    assert count_overlaps(scene(LABEL, around)) == 0


def test_an_arrow_through_its_own_label_is_not_counted() -> None:
    own = Arrow(None, (Curve(((100, 0), (100, 0), (100, 200), (100, 200))),), ("go",), (100, 100))

    assert count_overlaps(scene(own)) == 0


def test_each_text_is_counted() -> None:
    through = line((0, 100), (200, 100))

    assert count_overlaps(scene(LABEL, STATE, through)) == 2
