"""Quorum: how many children must succeed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import Quorum
from fsm.errors import InvalidArgument
from states import Cancelled, Failed, Paused, Skipped, State, Success

ENDS = st.lists(st.sampled_from([Success(), Skipped(), Failed(), Cancelled()]), max_size=30)


@given(ENDS)
def test_all_is_missed_if_a_child_did_not_succeed(ends: list[State]) -> None:
    missed = Quorum.all().shortfall(ends) is not None

    assert missed == any(not end.is_successful() for end in ends)


@given(ENDS)
def test_any_is_met_by_one_successful_child(ends: list[State]) -> None:
    missed = Quorum.any().shortfall(ends) is not None

    assert missed == (not any(end.is_successful() for end in ends))


@given(ENDS, st.integers(0, 40))
def test_a_count_is_met_by_as_many_successful_children(ends: list[State], count: int) -> None:
    missed = Quorum.at_least(count).shortfall(ends) is not None

    assert missed == (sum(end.is_successful() for end in ends) < count)


@given(st.integers(1, 1000), st.integers(0, 100))
def test_a_percentage_of_all_children_is_rounded_up(total: int, percent: int) -> None:
    needed = Quorum.percent(percent).threshold(total)

    assert needed * 100 >= percent * total
    assert (needed - 1) * 100 < percent * total


@pytest.mark.parametrize("open_end", [None, Paused()], ids=["unknown", "paused"])
def test_a_quorum_is_not_missed_while_a_child_has_not_ended(open_end: Any) -> None:
    assert Quorum.all().shortfall([Failed(), open_end]) is None


def test_the_shortfall_says_how_many_children_succeeded() -> None:
    said = Quorum.percent(50).shortfall([Success(), Failed(), Failed()])

    assert said == "1 of 3 mapped tasks succeeded, 2 had to"


@pytest.mark.parametrize("wrong", [-1, True, 2.5, "3", None], ids=repr)
def test_a_count_is_a_whole_number_from_0(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        Quorum.at_least(wrong)


@pytest.mark.parametrize("wrong", [-1, 101, True, float("nan"), "50"], ids=repr)
def test_a_percentage_is_a_number_from_0_to_100(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        Quorum.percent(wrong)
