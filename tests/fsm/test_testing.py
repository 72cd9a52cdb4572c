"""`fsm.testing`: the clock, the executor and the listener for tests."""

from __future__ import annotations

import datetime
import math
import random
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pendulum
import pytest

from fsm import Call, LifecycleError, Runner, TaskRun
from fsm.errors import InvalidArgument
from fsm.testing import HandClock, Recorder, SimulatedExecutor
from states import Success, TimedOut

START = pendulum.datetime(2020, 1, 1)


def test_a_hand_clock_stands_still(clock: HandClock) -> None:
    assert clock() == clock() == START
    assert clock().timezone_name == "UTC"


def test_a_hand_clock_moves_only_when_advanced(clock: HandClock) -> None:
    assert clock.advance(minutes=5, seconds=1) == START.add(minutes=5, seconds=1)
    assert clock.advance(hours=-1) == clock()


def test_a_hand_clock_starts_at_a_given_time() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))

    assert HandClock(datetime.datetime(2021, 1, 1, tzinfo=zone))() == START.add(years=1, hours=-2)


def test_a_hand_clock_is_turned_to_times_ahead_only(clock: HandClock) -> None:
    assert clock.turn_to(START.add(days=1)) == START.add(days=1)
    assert clock.turn_to(START) == START.add(days=1)


def test_a_hand_clock_refuses_a_naive_start() -> None:
    with pytest.raises(InvalidArgument):
        HandClock(datetime.datetime(2020, 1, 1))


@pytest.mark.parametrize("start", [5, "2020", None])
def test_a_hand_clock_refuses_a_start_that_is_no_datetime(start: Any) -> None:
    with pytest.raises(LifecycleError):
        HandClock(start)


def test_waiting_moves_the_clock_where_no_work_is_under_way(clock: HandClock) -> None:
    clock.wait([], 86_400.0)

    assert clock() == START.add(days=1)


def test_waiting_ends_when_the_work_is_done(clock: HandClock) -> None:
    work: Future[int] = Future()
    work.set_result(1)

    clock.wait([work], 86_400.0)
    clock.wait([], None)

    assert clock() == START


def test_waiting_for_hanging_work_moves_the_clock(clock: HandClock) -> None:
    clock.patience = 0.01
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        clock.wait([pool.submit(gate.wait)], 1.0)
        gate.set()

    assert clock() == START.add(seconds=1)


def test_advances_by_several_threads_add_up(clock: HandClock) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: clock.advance(seconds=1), range(400)))

    assert clock() == START.add(seconds=400)


def test_a_later_call_is_made_when_its_time_has_passed(clock: HandClock) -> None:
    called: list[tuple[str, pendulum.DateTime]] = []
    for name, seconds in (("b", 2.5), ("a", 1.0), ("c", 2.5)):
        clock.later(seconds, lambda name=name: called.append((name, clock())))

    clock.jump(hours=1)
    assert not called
    clock.advance(seconds=2.5)

    later = START.add(hours=1)
    assert called == [
        ("a", later.add(seconds=1)),
        ("b", later.add(seconds=2.5)),
        ("c", later.add(seconds=2.5)),
    ]


def test_a_later_call_may_schedule_another(clock: HandClock) -> None:
    seen: list[float] = []

    def beat() -> None:
        seen.append(clock.steady())
        clock.later(1.0, beat)

    clock.later(1.0, beat)
    clock.advance(seconds=3.5)

    assert seen == [1.0, 2.0, 3.0]
    assert clock() == START.add(seconds=3.5)


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_a_later_call_cannot_be_in_the_past(clock: HandClock, seconds: float) -> None:
    with pytest.raises(InvalidArgument):
        clock.later(seconds, print)


def test_waiting_moves_the_clock_to_the_first_event(clock: HandClock) -> None:
    clock.later(5.0, lambda: None)

    clock.wait([Future()], 2.0)
    assert clock.steady() == 2.0
    clock.wait([Future()], None)
    assert clock.steady() == 5.0


def test_simulated_work_is_done_when_its_time_has_passed(clock: HandClock) -> None:
    executor = SimulatedExecutor(clock, lasts=60.0)
    good, bad = executor.submit(int, "5"), executor.submit(int, "x")

    clock.advance(seconds=59)
    assert not good.done()
    clock.advance(seconds=1)

    assert good.result(0) == 5
    assert isinstance(bad.exception(0), ValueError)


def test_a_runner_performs_a_day_of_simulated_work_in_seconds(clock: HandClock) -> None:
    executor = SimulatedExecutor(clock, lasts=lambda chance: chance.uniform(3_600, 7_200))
    runs = [TaskRun(clock=clock, max_retries=1) for _ in range(24)]

    with Runner(executor, clock=clock, workers=2) as runner:
        states = runner.perform_all([Call(run, int) for run in runs])

    assert {type(state) for state in states} == {Success}
    assert START.add(hours=12) < clock() < START.add(hours=24)


def test_simulated_work_that_hangs_times_out(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=60)

    with Runner(SimulatedExecutor(clock, lasts=math.inf), clock=clock) as runner:
        state = runner.perform(run, int)

    assert type(state) is TimedOut
    assert clock() == START.add(seconds=60)


def test_a_call_of_a_simulated_executor_may_break(clock: HandClock) -> None:
    broken = OSError("gone")
    executor = SimulatedExecutor(clock, breaks=lambda chance: broken)
    called: list[int] = []

    work = executor.submit(called.append, 1)
    clock.advance(seconds=1)

    assert work.exception(0) is broken
    assert not called


def test_the_same_seed_simulates_the_same_again() -> None:
    def day(seed: int) -> list[float]:
        clock, ends = HandClock(), []
        executor = SimulatedExecutor(clock, random.Random.random, seed=seed)
        for _ in range(5):
            executor.submit(lambda: ends.append(clock.steady()))
        clock.advance(seconds=1)
        return ends

    assert day(1) == day(1) != day(2)


def test_a_simulated_executor_that_is_shut_down_accepts_no_work(clock: HandClock) -> None:
    executor = SimulatedExecutor(clock)
    work = executor.submit(int)

    executor.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(int)
    clock.advance(seconds=1)

    assert work.result(0) == 0


def test_work_under_way_in_a_killed_executor_never_ends(clock: HandClock) -> None:
    executor = SimulatedExecutor(clock)
    work = executor.submit(int)

    executor.shutdown(cancel_futures=True)
    clock.advance(seconds=1)

    assert not work.done()


def test_a_recorder_records_steps(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    recorder = run.after(Recorder())

    run.start()
    run.succeed()

    assert recorder.events == ["start", "succeed"]
    assert tuple(recorder.steps) == run.history
