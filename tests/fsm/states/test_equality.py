"""When two states are equal, and that their hashes agree."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from states import Cached, Failed, Mapped, Queued, Result, Retrying, Scheduled, Success

FOLD = pendulum.instance(datetime(2020, 11, 1, 1, 30, fold=1), tz="America/New_York")


def test_pairs_are_equal_as_the_golden_ones(golden, build, classes, frozen):
    recorded = golden("equality")

    def make(name):
        row = recorded["objects"][name]
        return classes[row["class"]](**build(row["kwargs"]))

    # A naive start_time of Queued stays naive in the reference; here it is UTC like all others.
    ours = {frozenset(("Queued(t naive)", "Queued(t utc)")): True}
    for pair in recorded["pairs"]:
        wanted = ours.get(frozenset((pair["a"], pair["b"])), pair["eq"])
        one, other = make(pair["a"]), make(pair["b"])
        assert (one == other) is wanted, pair
        assert (one != other) is not wanted, pair


def test_a_state_equals_itself_whatever_it_carries():
    state = Success(result=float("nan"))

    assert state == state


def test_message_and_context_do_not_count():
    assert Success("a", context={"x": 1}) == Success("b")


def test_a_subclass_is_another_type():
    class Special(Success):
        pass

    assert Special() != Success()
    assert Success() != Special()


def test_a_state_is_unequal_to_what_is_no_state():
    assert Success() != 1
    assert Success().__eq__(1) is NotImplemented


def test_a_location_does_not_count_but_a_value_does():
    assert Success(result=Result(1, "a")) == Success(result=1)
    assert Success(result=1) != Success(result=2)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda at: Scheduled(start_time=at),
        lambda at: Queued(start_time=at),
        lambda at: Cached(cached_result_expiration=at),
        lambda at: Success(result=at),
        lambda at: Success(result=[{"at": (at,)}]),
        lambda at: Success(cached_inputs={"at": Result(at)}),
    ],
)
def test_moments_are_equal_by_instant_even_in_the_hour_a_clock_is_set_back(wrap):
    fixed = FOLD.astimezone(timezone(timedelta(hours=-5)))

    assert wrap(FOLD) == wrap(fixed)
    assert hash(wrap(FOLD)) == hash(wrap(fixed))
    assert wrap(FOLD) != wrap(FOLD + timedelta(hours=1))


def test_naive_and_aware_moments_in_a_result_differ():
    naive = datetime(2020, 1, 1)

    assert Success(result=naive) != Success(result=naive.replace(tzinfo=UTC))
    assert Success(result=naive) == Success(result=naive)


def test_containers_of_another_length_or_other_names_differ():
    assert Success(result=[1, FOLD]) != Success(result=[FOLD])
    assert Success(result={"a": FOLD}) != Success(result={"b": FOLD})


numbers = st.one_of(
    st.integers(-3, 3), st.floats(-3, 3), st.booleans(), st.decimals(-3, 3), st.fractions(-3, 3)
)
results = st.one_of(numbers, st.none(), st.text(max_size=2), st.lists(numbers, max_size=2))
moments = st.datetimes(
    datetime(2020, 1, 1),
    datetime(2020, 1, 1, 0, 0, 0, 3),
    timezones=st.sampled_from([UTC, timezone(timedelta(0))]),
)
alikes = st.one_of(
    st.builds(Success, st.text(max_size=1), result=results),
    st.builds(Retrying, result=results, start_time=moments, run_count=st.integers(0, 2)),
    st.builds(Mapped, map_states=st.lists(st.builds(Success, result=numbers), max_size=2)),
    st.builds(Cached, cached_result_expiration=st.none() | moments),
)


@given(alikes, alikes)
def test_equal_states_have_equal_hashes(one, other):
    assert one != other or hash(one) == hash(other)
    assert hash(one) == hash(copy.deepcopy(one))
    assert pickle.loads(pickle.dumps(one)) == one


def test_what_cannot_be_hashed_does_not_stop_the_hash():
    assert hash(Success(result=[1])) == hash(Success(result=[2]))
    assert isinstance(hash(Success(result=Decimal("sNaN"))), int)
    assert isinstance(hash(Failed(result=ValueError())), int)


def test_equal_states_are_one_in_a_set():
    assert len({Success(result=1), Success("m", result=1.0), Success(result=True)}) == 1


def test_a_state_is_truthy(classes):
    assert all(cls() for cls in classes.values())
