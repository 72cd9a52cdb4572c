"""Layout by Graphviz: boxes do not overlap, and arrows lead the right way."""

from __future__ import annotations

import itertools

import pytest

from fsm.diagrams.svg_drawing.graphviz import Layout, Link, arrange

pytest.importorskip("pygraphviz")

BOXES = dict.fromkeys("abcd", (60.0, 30.0))


def test_boxes_do_not_overlap() -> None:
    found = arrange(BOXES, [Link("a", "b"), Link("a", "c"), Link("b", "d")], "TB")

    for one, other in itertools.combinations(found.boxes.values(), 2):
        assert abs(one[0] - other[0]) >= 60 or abs(one[1] - other[1]) >= 30


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("label", [None, (40.0, 15.0)])
def test_the_arrowhead_is_at_the_head(backward: bool, label: tuple[float, float] | None) -> None:
    found = arrange(BOXES, [Link("a", "b", label=label, backward=backward)], "TB")

    assert below(found, "b") > 0 if not backward else below(found, "b") < 0
    assert found.curves[0][-1].tip is not None
    assert found.curves[0][-1].tip[1] == pytest.approx(edge_of(found, "b"), abs=1.0)
    assert found.curves[0][0].points[0][1] == pytest.approx(edge_of(found, "a"), abs=1.0)


def test_both_halves_of_an_arrow_meet_its_label() -> None:
    found = arrange(BOXES, [Link("a", "b", label=(40.0, 15.0))], "TB")

    (x, y), (before, after) = found.labels[0] or (0, 0), found.curves[0]
    assert before.points[-1] == pytest.approx((x, y - 7.5), abs=1.0)
    assert after.points[0] == pytest.approx((x, y + 7.5), abs=1.0)


def test_nothing_lies_outside_the_size() -> None:
    links = [Link(*ends, label=(90.0, 15.0)) for ends in itertools.permutations("abcd", 2)]
    found = arrange(BOXES, [*links, Link("a", "a")], "TB")

    points = [point for link in found.curves for curve in link for point in curve.points]
    points += [(x + side, y) for x, y in filter(None, found.labels) for side in (-45, 45)]
    points += [(x + side, y) for x, y in found.boxes.values() for side in (-30, 30)]
    assert all(0 <= x <= found.size[0] and 0 <= y <= found.size[1] for x, y in points)


def test_a_hidden_link_only_places_its_ends() -> None:
    found = arrange(BOXES, [Link("a", "b", hidden=True)], "TB")

    assert found.boxes["a"][1] < found.boxes["b"][1]


def test_an_unconstrained_link_places_nothing() -> None:
    found = arrange(BOXES, [Link("a", "b", unconstrained=True)], "TB")

    assert found.boxes["a"][1] == found.boxes["b"][1]
    assert found.curves[0]


def below(found: Layout[str], name: str) -> float:
    """How far below the box `a` another is."""
    return found.boxes[name][1] - found.boxes["a"][1]


def edge_of(found: Layout[str], name: str) -> float:
    """The side of a box, `a` or `b`, that is towards the other."""
    other = "b" if name == "a" else "a"
    side = 15 if found.boxes[other][1] > found.boxes[name][1] else -15
    return found.boxes[name][1] + side
