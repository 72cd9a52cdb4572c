"""Validators: which earlier results are valid, compared with the reference system."""

from __future__ import annotations

import itertools
from typing import Any

import pendulum
import pytest

from fsm import Cache
from fsm.states import ambient, dumps, loads
from fsm.tasks.validators import (
    PARTIAL,
    VALIDATORS,
    Validator,
    all_inputs,
    all_parameters,
    duration_only,
    never_use,
    partial_inputs_only,
    partial_parameters_only,
)
from fsm.testing import HandClock
from states import Cached, Result

NOW = pendulum.datetime(2020, 1, 1)
LATER, EARLIER = NOW.add(microseconds=1), NOW.subtract(microseconds=1)
NAMES = [None, {}, {"x": 1}, {"x": 2}, {"x": 1, "y": 2}, {"y": 2}]

pytestmark = pytest.mark.usefixtures("stopped")


@pytest.fixture
def stopped(clock: HandClock) -> Any:
    """The clock in force, at NOW."""
    with ambient.clock(clock):
        yield


def some(names: Any, chosen: list[str] | None) -> Any:
    return {name: (names or {})[name] for name in chosen or () if name in (names or {})}


@pytest.mark.parametrize(
    "validator", [*VALIDATORS.values(), *(make([]) for make in PARTIAL.values())]
)
@pytest.mark.parametrize("expiration", [NOW, EARLIER])
def test_every_validator_refuses_an_expired_entry(validator: Validator, expiration: Any) -> None:
    assert not validator(Cached(cached_result_expiration=expiration), {}, None)


@pytest.mark.parametrize(
    ("expiration", "one", "other"), [*itertools.product([None, LATER], NAMES, NAMES)], ids=str
)
def test_each_validator_accepts_what_its_name_says(expiration: Any, one: Any, other: Any) -> None:
    given = Cached(cached_inputs=one, cached_result_expiration=expiration)
    under = Cached(cached_parameters=one, cached_result_expiration=expiration)

    assert not never_use(given, one, None)
    assert duration_only(given, other, None)
    assert all_inputs(given, other, None) == ((one or {}) == (other or {}))
    assert all_parameters(under, None, other) == (one == other)
    for chosen in (None, [], ["x"], ["y"], ["x", "y"], ["z"]):
        same = some(one, chosen) == some(other, chosen)
        assert partial_inputs_only(chosen)(given, other, None) == same
        assert partial_parameters_only(chosen)(under, None, other) == same


def test_inputs_are_compared_by_value() -> None:
    entry = Cached(cached_inputs={"x": Result(1, "s3://x"), "y": 2})

    assert all_inputs(entry, {"x": 1, "y": Result(2)}, None)
    assert partial_inputs_only(["x"])(entry, {"x": Result(1)}, None)
    assert not all_inputs(entry, {"x": 1, "y": Result(3)}, None)


def test_a_restored_entry_is_as_valid_as_before() -> None:
    entry = Cached(cached_inputs={"x": Result([1])}, cached_parameters={"day": 3})
    again = loads(dumps(entry))
    assert isinstance(again, Cached)

    assert all_inputs(again, {"x": [1]}, None)
    assert all_parameters(again, None, {"day": 3})


def test_values_that_cannot_be_compared_are_not_equal() -> None:
    class Array:
        def __eq__(self, other: object) -> Any:
            raise ValueError("the truth value of an array is ambiguous")

        __hash__ = None  # type: ignore[assignment]  # as those of arrays

    assert not all_inputs(Cached(cached_inputs={"x": Array()}), {"x": Array()}, None)


def test_parameters_that_are_not_a_mapping_have_no_parts() -> None:
    assert partial_parameters_only(["x"])(Cached(cached_parameters=5), None, {"y": 1})
    assert not partial_parameters_only(["x"])(Cached(cached_parameters=5), None, {"x": 1})


@pytest.mark.parametrize("name", [*VALIDATORS, *PARTIAL])
def test_a_cache_names_its_validator(name: str) -> None:
    entry = Cached(cached_inputs={"x": 1}, cached_parameters={"x": 1})
    asked = [("x", {"x": 1}, {"x": 1}), ("x", {"x": 2}, {"x": 2}), ("y", {"x": 2}, {"x": 2})]

    for chosen, inputs, parameters in asked:
        on = [chosen] if name in PARTIAL else []
        validator = PARTIAL[name](on) if name in PARTIAL else VALIDATORS[name]
        cache = Cache(validator=name, validate_on=on)
        assert cache.accepts(entry, inputs, parameters) == validator(entry, inputs, parameters)


def test_a_cache_without_a_validator_uses_the_duration_or_never() -> None:
    assert Cache().validated_by == "never_use"
    assert Cache(cache_for=60).validated_by == "duration_only"
    assert not Cache().accepts(Cached())
    assert Cache(cache_for=60).accepts(Cached())
