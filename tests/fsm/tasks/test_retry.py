"""Retry: its delays, and the exceptions that are retried."""

from __future__ import annotations

import datetime
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import Retry
from fsm.durations import A_CENTURY
from fsm.errors import InvalidArgument

RETRIES = st.builds(
    Retry,
    delay=st.floats(0, 1e9),
    backoff=st.floats(1, 1e9),
    cap=st.none() | st.floats(0, 1e9),
    jitter=st.floats(0, 1),
)


def delays(retry: Retry, count: int = 5, run: str = "r") -> list[float]:
    return [retry.delay_before(nth, run) for nth in range(1, count + 1)]


def test_without_a_backoff_all_delays_are_the_same() -> None:
    assert delays(Retry(delay=datetime.timedelta(minutes=1)), 3) == [60, 60, 60]


def test_with_a_backoff_delays_grow_up_to_the_cap() -> None:
    assert delays(Retry(delay=1, backoff=2, cap=10), 6) == [1, 2, 4, 8, 10, 10]


def test_a_jitter_spreads_delays_by_its_share() -> None:
    spread = [Retry(delay=100, jitter=0.2).delay_before(1, f"r{n}") for n in range(1000)]

    assert 80 <= min(spread) < 82
    assert 118 < max(spread) <= 120
    assert 99 < sum(spread) / len(spread) < 101


def test_a_jitter_does_not_gather_delays_at_the_cap() -> None:
    spread = [Retry(delay=100, cap=100, jitter=0.2).delay_before(1, f"r{n}") for n in range(1000)]

    assert max(spread) <= 100
    assert len(set(spread)) == 1000


def test_a_run_has_the_same_jitter_in_another_process() -> None:
    asked = "from fsm import Retry; print(Retry(delay=60, jitter=0.5).delay_before(2, 'r'))"
    said = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout

    assert float(said) == Retry(delay=60, jitter=0.5).delay_before(2, "r")


@given(RETRIES, st.integers(1, 10_000), st.text())
def test_no_delay_exceeds_the_cap(retry: Retry, nth: int, run: str) -> None:
    longest = A_CENTURY if retry.cap is None else retry.cap

    assert 0 <= retry.delay_before(nth, run) <= longest


@given(RETRIES, st.integers(1, 10_000), st.text())
def test_a_delay_depends_on_run_and_attempt_only(retry: Retry, nth: int, run: str) -> None:
    assert retry.delay_before(nth, run) == retry.delay_before(nth, run)


@given(st.floats(0, 1e9), st.floats(1, 1e9), st.none() | st.floats(0, 1e9), st.integers(1, 5000))
def test_without_jitter_no_delay_is_shorter_than_the_one_before(
    delay: float, backoff: float, cap: float | None, nth: int
) -> None:
    retry = Retry(delay=delay, backoff=backoff, cap=cap)

    assert retry.delay_before(nth, "r") <= retry.delay_before(nth + 1, "r")


def test_a_delay_that_overflows_is_a_century() -> None:
    assert Retry(delay=1, backoff=10).delay_before(1000, "r") == A_CENTURY
    assert Retry(delay=1, backoff=10, cap=60).delay_before(10**400, "r") == 60
    assert Retry(delay=0, backoff=10).delay_before(1000, "r") == 0


@pytest.mark.parametrize(
    "words",
    [
        {"backoff": 0.5}, {"backoff": math.nan}, {"backoff": math.inf}, {"backoff": "2"},
        {"backoff": True}, {"backoff": None}, {"jitter": -0.1}, {"jitter": 1.1},
        {"jitter": math.nan}, {"jitter": "0.1"}, {"cap": -1}, {"cap": math.inf},
        {"within": -1}, {"within": "1"}, {"delay": -1}, {"max_retries": -1}, {"max_rescues": 0.5},
    ],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(words: Any) -> None:
    with pytest.raises(InvalidArgument):
        Retry(**words)


def test_every_failure_is_retried_by_default() -> None:
    assert Retry().covers(ValueError())
    assert Retry().covers(None)


def test_subclasses_of_an_exception_are_retried_with_it() -> None:
    retry = Retry(on=[OSError])

    assert retry.covers(ConnectionResetError())
    assert not retry.covers(ValueError())
    assert not retry.covers("not an error")
