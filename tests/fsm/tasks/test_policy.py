"""Policy: its parts, their ranges, and the mapping that journals keep."""

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

from fsm import Cache, MemoryJournal, Policy, Retry, TaskRun, Timeout
from fsm.errors import InvalidArgument
from fsm.tasks.policy import as_policy, override
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
    policy = Policy()

    assert policy == Policy(Retry(0, 0), Timeout(None, None), Cache(cache_for=None))
    assert policy == as_policy({})


def test_durations_are_seconds_or_timedeltas() -> None:
    assert Retry(delay=datetime.timedelta(minutes=1)).delay == 60.0
    assert Timeout(2).attempt == 2.0
    assert Cache(cache_for=0.5).cache_for == 0.5


@pytest.mark.parametrize("name", ["retry_delay", "timeout", "cache_for"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "5", True, 1e30, b"5"], ids=repr)
def test_a_duration_is_between_nothing_and_a_century(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument):
        as_policy({name: value})
    with pytest.raises(InvalidArgument):
        TaskRun(**{name: value})


@pytest.mark.parametrize("value", [-1, 1.0, "1", True, None], ids=repr)
@pytest.mark.parametrize("name", ["max_retries", "max_rescues"])
def test_retries_and_rescues_are_whole_numbers(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument):
        as_policy({name: value})


def test_override_replaces_the_settings_that_are_not_none() -> None:
    policy = Policy(Retry(2, 4), Timeout(3))

    assert override(policy, 5, None, None, None) == Policy(Retry(5, 4), Timeout(3))
    assert override(policy, None, None, None, None) == policy


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Policy().timeout = Timeout(3)  # type: ignore[misc]


def test_settings_are_plain_json() -> None:
    policy = Policy(Retry(2), Timeout(3))

    assert as_policy(json.loads(json.dumps(policy.settings()))["policy"]) == policy


def test_a_limit_of_none_is_restored_even_if_the_default_policy_has_changed() -> None:
    journal = MemoryJournal()

    class Slow(TaskRun):
        default_policy = Policy()

    run = Slow("r", journal=journal)
    run.start()
    Slow.default_policy = Policy(timeout=Timeout(60))

    assert Slow.restore("r", journal).policy == run.policy


@pytest.mark.parametrize("wrong", [{"x": 1}, {"timeout": []}, 5, "fast"])
def test_what_is_not_a_policy_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        TaskRun(policy=wrong)


def test_the_words_of_a_journal_are_settings_of_the_parts() -> None:
    words = {
        "max_retries": 2,
        "retry_delay": 3,
        "retry_on": ["OSError"],
        "timeout": 4,
        "timeout_total": 5,
        "cache_for": 6,
    }

    assert as_policy(words) == Policy(Retry(2, 3, on=[OSError]), Timeout(4, 5), Cache(cache_for=6))


@pytest.mark.parametrize("word", ["max_retries", "retry_delay", "timeout_total", "cache_for"])
def test_a_policy_does_not_take_the_words_of_a_journal(word: str) -> None:
    with pytest.raises(TypeError, match=word):
        Policy(**{word: 1})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parts",
    [{"retry": 3}, {"retry": None}, {"retry": Timeout()}, {"timeout": 60}, {"cache": 60}],
    ids=repr,
)
def test_a_part_of_another_class_is_refused(parts: Any) -> None:
    (name,) = parts

    with pytest.raises(InvalidArgument, match=rf"write {name}={name.title()}\(\.\.\.\)"):
        Policy(**parts)


@given(RETRIES, TIMEOUTS, CACHES)
def test_settings_make_the_same_policy_again(retry: Any, timeout: Any, cache: Any) -> None:
    policy = Policy(retry, timeout, cache)

    written = json.loads(json.dumps(policy.settings()))["policy"]

    assert written == policy.settings()["policy"]
    assert as_policy(written) == policy
    assert hash(as_policy(written)) == hash(policy)


def test_the_settings_that_sql_reads_are_always_written() -> None:
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

    assert as_policy({**old, **max_rescues}) == Policy(Retry(2, **max_rescues), Timeout(60))


def test_runs_of_one_policy_share_it_and_its_settings() -> None:
    one, other = (TaskRun(max_retries=2, timeout=Timeout(5, 60)) for _ in range(2))
    words = json.loads(json.dumps(Policy(Retry(on=[OSError])).settings()))["policy"]

    assert one.policy is other.policy
    assert one.settings() is other.settings()
    assert Policy(Retry(5)).settings() is Policy(Retry(5)).settings()
    assert TaskRun(policy=words).policy is TaskRun(policy=dict(words)).policy


def test_a_bool_is_not_a_number_of_retries_though_it_is_equal_to_one() -> None:
    as_policy({"max_retries": 1})

    with pytest.raises(InvalidArgument):
        as_policy({"max_retries": True})


def test_a_timeout_replaces_that_of_the_policy() -> None:
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
        ({"validator": "all_inputs", "validate_on": ["x"]}, "all_inputs compares no names"),
        ({"cache_for": 60, "validate_on": ["x"]}, "duration_only compares no names"),
        ({"validate_on": ["x"]}, "never_use compares no names"),
        ({"validator": "partial_inputs_only", "validate_on": "day"}, "in a list or tuple"),
        ({"validator": "partial_inputs_only", "validate_on": [5]}, "a name is a string"),
        ({"validator": "partial_inputs_only", "validate_on": 5}, "names are needed"),
        ({"key": ""}, "1 to 200 characters"),
        ({"key": "a\nb"}, "printable"),
        ({"key": 5}, "is a string"),
    ],
    ids=str,
)
def test_invalid_settings_of_a_cache_are_refused(words: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        Cache(**words)
    with pytest.raises(InvalidArgument, match=said):
        as_policy({"cache_" + key.removeprefix("cache_"): value for key, value in words.items()})


@pytest.mark.parametrize("total", [-1, math.nan, "5", True, 1e30], ids=repr)
def test_a_total_limit_is_between_nothing_and_a_century(total: Any) -> None:
    with pytest.raises(InvalidArgument):
        Timeout(total=total)


def test_a_policy_from_another_process_is_equal_and_hashes_equal() -> None:
    policy = Policy(Retry(1, on=[OSError]), Timeout(1, 2), Cache("key", 3))
    made = "import pickle, sys; from fsm import Cache, Policy, Retry, Timeout; "
    made += f"policy = {policy!r}; sys.stdout.buffer.write(pickle.dumps(policy))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}

    there = subprocess.run(
        [sys.executable, "-c", made], capture_output=True, check=True, env=environment
    )

    again = pickle.loads(there.stdout)
    assert again == policy
    assert {again: True}[policy]
