"""Policy: durations and counts as data."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import attrs
import pytest

from fsm import InvalidArgument, MemoryJournal, Policy, TaskRun
from fsm.policy import evolved


def test_nothing_is_retried_limited_or_cached_by_default() -> None:
    assert Policy() == Policy(max_retries=0, retry_delay=0, timeout=None, cache_for=None)


def test_durations_are_seconds_or_timedeltas() -> None:
    policy = Policy(retry_delay=datetime.timedelta(minutes=1), timeout=2, cache_for=0.5)

    assert (policy.retry_delay, policy.timeout, policy.cache_for) == (60.0, 2.0, 0.5)


@pytest.mark.parametrize("name", ["retry_delay", "timeout", "cache_for"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "5", True, 1e30, b"5"], ids=repr)
def test_a_duration_is_between_nothing_and_a_century(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument):
        Policy(**{name: value})
    with pytest.raises(InvalidArgument):
        TaskRun(**{name: value})


@pytest.mark.parametrize("value", [-1, 1.0, "1", True, None], ids=repr)
@pytest.mark.parametrize("name", ["max_retries", "max_rescues"])
def test_retries_and_rescues_are_counted(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument):
        Policy(**{name: value})


def test_an_evolved_policy_takes_what_is_not_none() -> None:
    policy = Policy(max_retries=2, timeout=3)

    assert evolved(policy, 5, None, None, None) == Policy(max_retries=5, timeout=3)
    assert evolved(policy, None, None, None, None) == policy


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Policy().timeout = 3  # type: ignore[misc]


def test_settings_are_plain_json() -> None:
    policy = Policy(max_retries=2, timeout=3)

    assert Policy(**json.loads(json.dumps(policy.settings()))["policy"]) == policy


def test_no_limit_is_restored_as_none_whatever_the_class_says_by_then() -> None:
    journal = MemoryJournal()

    class Slow(TaskRun):
        default_policy = Policy()

    run = Slow("r", journal=journal)
    run.start()
    Slow.default_policy = Policy(timeout=60)

    assert Slow.restore("r", journal).policy == run.policy


@pytest.mark.parametrize("wrong", [{"x": 1}, {"timeout": []}, 5, "fast"])
def test_what_is_no_policy_is_refused_by_our_tree(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        TaskRun(policy=wrong)
