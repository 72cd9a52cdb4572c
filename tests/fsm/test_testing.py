"""Testing: what we offer to users' tests."""

from __future__ import annotations

import datetime
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pendulum
import pytest

from fsm import InvalidArgument, LifecycleError, TaskRun
from fsm.testing import HandClock, Recorder

START = pendulum.datetime(2020, 1, 1)


def test_a_hand_clock_stands_still(clock: HandClock) -> None:
    assert clock() == clock() == START
    assert clock().timezone_name == "UTC"


def test_a_hand_clock_is_turned_by_hand(clock: HandClock) -> None:
    assert clock.advance(minutes=5, seconds=1) == START.add(minutes=5, seconds=1)
    assert clock.advance(hours=-1) == clock()


def test_a_hand_clock_starts_where_it_is_told() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))

    assert HandClock(datetime.datetime(2021, 1, 1, tzinfo=zone))() == START.add(years=1, hours=-2)


def test_a_hand_clock_is_turned_to_what_is_ahead_only(clock: HandClock) -> None:
    assert clock.turn_to(START.add(days=1)) == START.add(days=1)
    assert clock.turn_to(START) == START.add(days=1)


def test_a_hand_clock_needs_a_zone() -> None:
    with pytest.raises(InvalidArgument):
        HandClock(datetime.datetime(2020, 1, 1))


@pytest.mark.parametrize("start", [5, "2020", None])
def test_a_hand_clock_starts_at_a_time(start: Any) -> None:
    with pytest.raises(LifecycleError):
        HandClock(start)


def test_waiting_turns_the_clock_where_nothing_else_happens(clock: HandClock) -> None:
    clock.wait([], 86_400.0)

    assert clock() == START.add(days=1)


def test_waiting_ends_with_the_work(clock: HandClock) -> None:
    work: Future[int] = Future()
    work.set_result(1)

    clock.wait([work], 86_400.0)
    clock.wait([], None)

    assert clock() == START


def test_work_that_hangs_lets_time_go_on(clock: HandClock) -> None:
    clock.patience = 0.01
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        clock.wait([pool.submit(gate.wait)], 1.0)
        gate.set()

    assert clock() == START.add(seconds=1)


def test_turning_by_threads_adds_up(clock: HandClock) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: clock.advance(seconds=1), range(400)))

    assert clock() == START.add(seconds=400)


def test_a_recorder_remembers(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    recorder = run.after(Recorder())

    run.start()
    run.succeed()

    assert recorder.events == ["start", "succeed"]
    assert tuple(recorder.steps) == run.history
