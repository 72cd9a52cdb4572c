"""Policy: durations and counts as data."""

from __future__ import annotations

import datetime
import json
import math
import os
import pickle
import subprocess
import sys
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import InvalidArgument, MemoryJournal, Policy, TaskRun
from fsm.tasks.policy import Cache, Retry, Timeout, as_policy, evolved
from fsm.tasks.validators import PARTIAL, VALIDATORS

SECONDS = st.floats(0, 1e9)
RETRIES = st.builds(
    Retry,
    st.integers(0, 1000),
    SECONDS,
    st.floats(1, 1e9),
    st.none() | SECONDS,
    st.floats(0, 1),
    st.none() | SECONDS,
    st.lists(st.sampled_from([OSError, "ValueError", "a.b.<locals>.C"])),
    st.integers(0, 9),
)
TIMEOUTS = st.builds(Timeout, st.none() | SECONDS, st.none() | SECONDS)
KEYS = st.none() | st.sampled_from(["airlines", "🛫 planes"])
CACHES = st.one_of(
    st.builds(Cache, KEYS, st.none() | SECONDS, st.none() | st.sampled_from([*VALIDATORS])),
    st.builds(
        Cache, KEYS, st.none() | SECONDS, st.sampled_from([*PARTIAL]), st.lists(st.text(max_size=3))
    ),
)


def test_nothing_is_retried_limited_or_cached_by_default() -> None:
    assert Policy() == Policy(max_retries=0, retry_delay=0, timeout=None, cache_for=None)


def test_durations_are_seconds_or_timedeltas() -> None:
    policy = Policy(retry_delay=datetime.timedelta(minutes=1), timeout=2, cache_for=0.5)

    assert (policy.retry_delay, policy.timeout.attempt, policy.cache_for) == (60.0, 2.0, 0.5)


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


def test_the_short_words_are_short_for_the_nouns() -> None:
    assert Policy(
        max_retries=2, retry_delay=3, retry_on=OSError, timeout=4, timeout_total=5, cache_for=6
    ) == Policy(Retry(2, 3, on=[OSError]), Timeout(4, 5), Cache(cache_for=6))


def test_a_short_word_stands_over_a_noun() -> None:
    policy = Policy(Retry(2, 3), Timeout(4, 5), Cache("key"), max_retries=7, cache_for=8)

    assert policy == Policy(Retry(7, 3), Timeout(4, 5), Cache("key", 8))


@pytest.mark.parametrize(
    "words", [{"retry": 3}, {"retry": Timeout()}, {"timeout": Retry()}, {"cache": 60}], ids=repr
)
def test_a_noun_is_of_its_own_kind(words: Any) -> None:
    with pytest.raises(InvalidArgument):
        Policy(**words)


@given(RETRIES, TIMEOUTS, CACHES)
def test_settings_make_the_same_policy_again(retry: Any, timeout: Any, cache: Any) -> None:
    policy = Policy(retry, timeout, cache)

    written = json.loads(json.dumps(policy.settings()))["policy"]

    assert written == policy.settings()["policy"]
    assert Policy(**written) == as_policy(written) == policy
    assert hash(as_policy(written)) == hash(policy)


def test_what_journals_read_is_always_written() -> None:
    assert Policy().settings() == {
        "policy": {
            "max_retries": 0,
            "retry_delay": 0.0,
            "timeout": None,
            "cache_for": None,
            "max_rescues": 3,
        }
    }


@pytest.mark.parametrize("max_rescues", [{}, {"max_rescues": 1}])
def test_the_settings_of_the_first_release_are_a_policy(max_rescues: Any) -> None:
    old = {"max_retries": 2, "retry_delay": None, "timeout": 60.0, "cache_for": None}

    assert as_policy({**old, **max_rescues}) == Policy(max_retries=2, timeout=60, **max_rescues)


def test_runs_of_one_policy_share_it_and_its_settings() -> None:
    one, other = (TaskRun(max_retries=2, timeout=Timeout(5, 60)) for _ in range(2))
    words = json.loads(json.dumps(Policy(Retry(on=[OSError])).settings()))["policy"]

    assert one.policy is other.policy
    assert one.settings() is other.settings()
    assert Policy(max_retries=5).settings() is Policy(max_retries=5).settings()
    assert TaskRun(policy=words).policy is TaskRun(policy=dict(words)).policy


def test_a_number_of_retries_is_not_taken_from_a_shared_truth() -> None:
    as_policy({"max_retries": 1})

    with pytest.raises(InvalidArgument):
        as_policy({"max_retries": True})


def test_a_timeout_takes_the_place_of_the_policys() -> None:
    policy = Policy(timeout=Timeout(5, 60))

    assert TaskRun(policy=policy, timeout=7).policy.timeout == Timeout(7, 60)
    assert TaskRun(policy=policy, timeout=Timeout(7)).policy.timeout == Timeout(7)
    assert TaskRun(policy=policy, max_retries=1).policy.timeout == Timeout(5, 60)


def test_a_restored_run_has_the_whole_policy() -> None:
    journal = MemoryJournal()
    policy = Policy(
        Retry(3, 1, 2, 60, 0.1, 3600, [ConnectionError], 5),
        Timeout(10, 100),
        Cache("key", 60, "partial_inputs_only", ["day"]),
    )
    TaskRun("r", journal=journal, policy=policy).start()

    assert TaskRun.restore("r", journal).policy == policy


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"validator": "all_input"}, "did you mean 'all_inputs'"),
        ({"validator": 5}, "there are all_inputs, all_parameters"),
        ({"validator": "all_inputs", "validate_on": ["x"]}, "all_inputs does not ask for names"),
        ({"cache_for": 60, "validate_on": ["x"]}, "duration_only does not ask for names"),
        ({"validate_on": ["x"]}, "never_use does not ask for names"),
        ({"validator": "partial_inputs_only", "validate_on": "day"}, "in a list or tuple"),
        ({"validator": "partial_inputs_only", "validate_on": [5]}, "a name is a string"),
        ({"validator": "partial_inputs_only", "validate_on": 5}, "names are needed"),
        ({"key": ""}, "1 to 200 characters"),
        ({"key": "a\nb"}, "printable"),
        ({"key": 5}, "is a string"),
    ],
    ids=str,
)
def test_what_no_cache_can_be_is_refused(words: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Cache(**words)
    with pytest.raises(InvalidArgument, match=said):
        Policy(**{"cache_" + name.removeprefix("cache_"): value for name, value in words.items()})


@pytest.mark.parametrize("total", [-1, math.nan, "5", True, 1e30], ids=repr)
def test_a_time_in_all_is_between_nothing_and_a_century(total: Any) -> None:
    with pytest.raises(InvalidArgument):
        Timeout(total=total)


def test_a_policy_is_itself_in_another_process_too() -> None:
    policy = Policy(Retry(1, on=[OSError]), Timeout(1, 2), Cache("key", 3))
    made = "import pickle, sys; from fsm import Policy; from fsm.tasks.policy import *; "
    made += f"policy = {policy!r}; sys.stdout.buffer.write(pickle.dumps(policy))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}

    there = subprocess.run(
        [sys.executable, "-c", made], capture_output=True, check=True, env=environment
    )

    again = pickle.loads(there.stdout)
    assert again == policy
    assert {again: True}[policy]
