"""Timers: what time will do to a run, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pendulum
import pytest

from fsm import LifecycleError, MemoryJournal, TaskRun, Timeout
from fsm.errors import InvalidArgument
from fsm.states import ambient
from fsm.tasks.timers import Due, due, due_at
from fsm.testing import HandClock

START = pendulum.datetime(2020, 1, 1)
LATER = START.add(hours=1)


def test_a_scheduled_run_starts_at_its_time(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=LATER)

    assert due_at(run) == Due(LATER, "start")


def test_a_retry_starts_after_its_delay(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1, retry_delay=60)
    run.start()
    run.fail()
    run.retry()

    assert due_at(run) == Due(START.add(seconds=60), "start")


def test_a_queued_run_starts_at_the_later_of_its_times(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=LATER)
    run.queue(start_time=LATER.subtract(minutes=1))

    assert due_at(run) == Due(LATER, "start")


def test_a_submitted_run_starts_at_the_time_of_its_wrapped_state(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=LATER)
    run.submit()

    assert due_at(run) == Due(LATER, "start")


def test_a_running_run_times_out_at_its_deadline(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5)
    run.start()

    assert due_at(run) == Due(START.add(seconds=5), "time_out")


def test_a_running_run_times_out_at_its_total_limit(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=Timeout(attempt=50, total=60))
    run.start()
    clock.advance(seconds=20)
    run.rescue()
    run.start()

    assert due_at(run) == Due(START.add(seconds=60), "time_out")


def test_a_cached_run_expires(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.cache(cached_result_expiration=LATER)

    assert due_at(run) == Due(LATER, "expire")


@pytest.mark.parametrize(
    "name", ["Pending", "Running", "Success", "Cached", "Cancelled", "Failed", "ClientFailed"]
)
def test_other_states_wait_for_no_time(name: str, reach: Callable[..., TaskRun]) -> None:
    assert due_at(reach(name)) is None


def test_the_longest_due_run_comes_first(clock: HandClock) -> None:
    runs = [TaskRun(f"r{minutes}", clock=clock) for minutes in (30, 10, 90)]
    for run in runs:
        run.schedule(start_time=START.add(minutes=int(run.id[1:])))

    found = due([*runs, TaskRun()], LATER)

    assert [run.id for run, _ in found] == ["r10", "r30"]


def test_due_uses_the_current_clock_by_default(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=LATER)

    with ambient.clock(clock):
        assert due([run]) == []
        clock.advance(hours=1)
        assert len(due([run])) == 1


def test_a_restart_loses_no_deadline(clock: HandClock) -> None:
    journal = MemoryJournal()
    TaskRun("r", journal=journal, clock=clock, timeout=5).start()

    assert due_at(TaskRun.restore("r", journal)) == Due(START.add(seconds=5), "time_out")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        due([], pendulum.naive(2020, 1, 1))


@pytest.mark.parametrize(
    ("runs", "now"), [([TaskRun()], "now"), ([object()], LATER)], ids=["time", "run"]
)
def test_a_wrong_argument_is_refused(runs: Any, now: Any) -> None:
    with pytest.raises(LifecycleError):
        due(runs, now)
