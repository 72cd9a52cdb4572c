"""Quorum: how many children have to succeed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import InvalidArgument, Quorum
from states import Cancelled, Failed, Paused, Skipped, State, Success

ENDS = st.lists(st.sampled_from([Success(), Skipped(), Failed(), Cancelled()]), max_size=30)


@given(ENDS)
def test_all_is_missed_by_whoever_did_not_succeed(ends: list[State]) -> None:
    missed = Quorum.all().shortfall(ends) is not None

    assert missed == any(not end.is_successful() for end in ends)


@given(ENDS)
def test_any_is_met_by_one_that_succeeded(ends: list[State]) -> None:
    missed = Quorum.any().shortfall(ends) is not None

    assert missed == (not any(end.is_successful() for end in ends))


@given(ENDS, st.integers(0, 40))
def test_a_number_is_met_by_as_many(ends: list[State], count: int) -> None:
    missed = Quorum.at_least(count).shortfall(ends) is not None

    assert missed == (sum(end.is_successful() for end in ends) < count)


@given(st.integers(1, 1000), st.integers(0, 100))
def test_a_percentage_is_of_all_and_never_short(total: int, percent: int) -> None:
    needed = Quorum.percent(percent).threshold(total)

    assert needed * 100 >= percent * total
    assert (needed - 1) * 100 < percent * total


@pytest.mark.parametrize("open_end", [None, Paused()], ids=["unknown", "paused"])
def test_nothing_is_missed_while_a_child_is_not_at_its_end(open_end: Any) -> None:
    assert Quorum.all().shortfall([Failed(), open_end]) is None


def test_what_was_missed_is_said() -> None:
    said = Quorum.percent(50).shortfall([Success(), Failed(), Failed()])

    assert said == "1 of 3 mapped tasks succeeded, 2 had to"


@pytest.mark.parametrize("wrong", [-1, True, 2.5, "3", None], ids=repr)
def test_a_number_is_a_number(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        Quorum.at_least(wrong)


@pytest.mark.parametrize("wrong", [-1, 101, True, float("nan"), "50"], ids=repr)
def test_a_percentage_is_one(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        Quorum.percent(wrong)
