"""Clearance: an arrow through a text is seen."""

from __future__ import annotations

import pytest

from fsm.diagrams.graph_model import Cluster, Node
from fsm.diagrams.svg_drawing.graphviz import Point, Road
from fsm.diagrams.svg_drawing.overlaps import crossings
from fsm.diagrams.svg_drawing.scene import Arrow, Scene, Shape

LABEL = Arrow(None, (), ("submit",), (100, 100))
STATE = Shape(Node("Running"), (100, 100), (80, 30))
FAMILY = Shape(Cluster("Meta family", ()), (100, 150), (200, 126))  # its name is at (100, 100)


def line(begin: Point, end: Point) -> Arrow:
    """An arrow from here to there."""
    return Arrow(None, (Road((begin, begin, end, end)),))


def scene(*parts: Arrow | Shape) -> Scene:
    """What holds these."""
    shapes = tuple(part for part in parts if isinstance(part, Shape))
    return Scene((200, 200), shapes, tuple(part for part in parts if isinstance(part, Arrow)))


@pytest.mark.parametrize("text", [LABEL, STATE, FAMILY])
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
    assert crossings(scene(text, line(begin, end))) == count


def test_a_curve_around_a_text_is_clear() -> None:
    around = Arrow(None, (Road(((20, 100), (20, 0), (180, 0), (180, 100))),))

    assert crossings(scene(LABEL, around)) == 0


def test_an_arrow_may_meet_its_own_label() -> None:
    own = Arrow(None, (Road(((100, 0), (100, 0), (100, 200), (100, 200))),), ("go",), (100, 100))

    assert crossings(scene(own)) == 0


def test_each_text_counts() -> None:
    through = line((0, 100), (200, 100))

    assert crossings(scene(LABEL, STATE, through)) == 2
