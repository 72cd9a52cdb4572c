"""Scheduler: which job is advanced, and when, by two clocks and with a limit of workers."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pendulum
import pytest

from fsm import Call, JournalError, MemoryJournal, Runner, TaskRun
from fsm.execution import scheduler
from fsm.execution.batch import Group
from fsm.execution.job import Job
from fsm.execution.pools.base import Pool
from fsm.execution.scheduler import Scheduler
from fsm.testing import HandClock, SimulatedExecutor
from states import Cancelled, Looped, Paused, Retrying, State, Success, TimedOut

START = pendulum.datetime(2020, 1, 1)


class Counted(SimulatedExecutor):
    """It remembers how much was under way at once."""

    now = most = 0

    def submit(self, task: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.now += 1
        self.most = max(self.most, self.now)
        work = super().submit(task, *args, **kwargs)
        work.add_done_callback(lambda _: setattr(self, "now", self.now - 1))
        return work


def scheduled(clock: HandClock, executor: Executor, workers: int = 4) -> Scheduler:
    """A scheduler none of whose jobs has children."""
    children: Any = None
    return Scheduler(Pool(executor, own=False), workers, clock, children)


def jobs(clock: HandClock, count: int, **settings: Any) -> list[Job]:
    return [Job(Call(TaskRun(clock=clock, **settings), int)) for _ in range(count)]


def test_jobs_are_created_when_there_is_room_for_them(clock: HandClock) -> None:
    executor = Counted(clock)
    ahead: list[int] = []

    def create() -> Iterator[Job]:
        for number, job in enumerate(jobs(clock, 20)):
            ahead.append(number - int(clock.steady()) * 3)
            yield job

    scheduled(clock, executor, workers=3).perform(Group(create()))

    assert executor.most == 3
    assert max(ahead) < 3


def test_a_group_executes_no_more_jobs_than_its_limit(clock: HandClock) -> None:
    executor, ended = Counted(clock), list[Job]()

    group = Group(iter(jobs(clock, 7)), max_concurrency=2, on_end=ended.append)
    scheduled(clock, executor).perform(group)

    assert executor.most == 2
    assert len(ended) == 7
    assert group.is_over


def test_a_group_of_nothing_is_over_at_once(clock: HandClock) -> None:
    scheduled(clock, SimulatedExecutor(clock)).perform(Group(iter(())))

    assert clock() == START


@pytest.mark.parametrize("jump", [1, -1], ids=["forward", "back"])
def test_a_retry_waits_by_both_clocks(clock: HandClock, jump: int) -> None:
    starts: list[tuple[pendulum.DateTime, float]] = []

    def task() -> None:
        starts.append((clock(), clock.steady()))
        if len(starts) == 1:
            clock.later(60.0, lambda: clock.jump(hours=jump))
            raise ValueError

    run = TaskRun(clock=clock, max_retries=1, retry_delay=600)
    with Runner(SimulatedExecutor(clock, lasts=0.0), clock=clock) as runner:
        runner.perform(run, task)

    (wall, steady), (then, later) = starts
    assert later - steady >= 600
    assert (then - wall).total_seconds() >= 600


def test_a_start_waits_for_the_wall_clock_however_it_is_set(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=START.add(hours=2))
    clock.later(60.0, lambda: clock.jump(hours=1))
    clock.later(120.0, lambda: clock.jump(minutes=-30))

    with Runner(SimulatedExecutor(clock), clock=clock) as runner:
        runner.perform(run, int)

    assert run.history[1].at == START.add(hours=2)
    assert clock.steady() == pytest.approx(1.5 * 3600 + 1)


def test_work_that_is_given_up_frees_its_worker(clock: HandClock) -> None:
    hanging = [TaskRun(clock=clock, timeout=10) for _ in range(2)]
    after = [TaskRun(clock=clock) for _ in range(2)]
    lasts = iter([math.inf, math.inf, 1.0, 1.0])

    with Runner(SimulatedExecutor(clock, lambda _: next(lasts)), clock=clock, workers=2) as runner:
        states = runner.perform_all([Call(run, int) for run in (*hanging, *after)])

    assert [type(state) for state in states] == [TimedOut, TimedOut, Success, Success]
    assert clock() == START.add(seconds=11)


def test_the_result_of_work_that_was_given_up_is_ignored(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1, timeout=10)
    lasts = iter([15.0, 9.0])
    results = iter(["late", "in time"])

    with Runner(SimulatedExecutor(clock, lambda _: next(lasts)), clock=clock) as runner:
        state = runner.perform(run, lambda: next(results))

    assert state.result == "in time"
    assert [step.event for step in run.history] == [
        "start",
        "time_out",
        "retry",
        "start",
        "succeed",
    ]


def test_a_loop_keeps_its_worker(clock: HandClock) -> None:
    order: list[str] = []

    def page(name: str) -> Any:
        order.append(name)
        return Looped() if order.count(name) < 3 else name

    runs = [TaskRun(name, clock=clock) for name in "ab"]
    with Runner(SimulatedExecutor(clock), clock=clock, workers=1) as runner:
        runner.perform_all([Call(run, page, (run.id,)) for run in runs])

    assert order == ["a", "a", "a", "b", "b", "b"]


def test_a_thousand_that_wait_for_the_same_moment_all_start(clock: HandClock) -> None:
    runs = [TaskRun(clock=clock) for _ in range(1_000)]
    for run in runs:
        run.schedule(start_time=START.add(hours=1))

    with Runner(SimulatedExecutor(clock), clock=clock, workers=100) as runner:
        runner.perform_all([Call(run, int) for run in runs])

    assert {type(run.state) for run in runs} == {Success}
    assert clock() == START.add(hours=1, seconds=10)


def test_an_error_of_one_job_does_not_stop_the_others(clock: HandClock) -> None:
    class Full(MemoryJournal):
        def append(self, step: Any, *given: Any, **words: Any) -> None:
            if step.run == "r3" and step.event == "succeed":
                raise JournalError("full")
            super().append(step, *given, **words)

    journal = Full()
    runs = [TaskRun(f"r{number}", journal=journal, clock=clock) for number in range(6)]

    with (
        Runner(SimulatedExecutor(clock), clock=clock, workers=2) as runner,
        pytest.raises(JournalError, match="full"),
    ):
        runner.perform_all([Call(run, int) for run in runs])

    ends = [type(TaskRun.restore(run.id, journal).state).__name__ for run in runs]
    assert ends == ["Success"] * 3 + ["Running"] + ["Success"] * 2


@pytest.mark.parametrize(
    ("error", "ends"), [(KeyboardInterrupt, Cancelled), (SystemExit, Retrying)], ids=["^C", "exit"]
)
def test_an_interrupt_leaves_every_run_in_a_named_state(
    clock: HandClock, error: type[BaseException], ends: type[State]
) -> None:
    def interrupt() -> None:
        raise error

    clock.later(30.0, interrupt)
    waits = TaskRun(clock=clock, max_retries=1, retry_delay=600)
    paused, done = TaskRun(clock=clock), TaskRun(clock=clock)

    def fail() -> None:
        raise ValueError

    with Runner(SimulatedExecutor(clock), clock=clock) as runner, pytest.raises(error):
        runner.perform_all([Call(waits, fail), Call(paused, Paused), Call(done, int)])

    assert type(waits.state) is ends
    assert type(paused.state) is Paused
    assert type(done.state) is Success


def test_a_run_cancelled_by_another_process_frees_its_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "_LOOK", 0.0)  # not once a second, but all the time
    gate, begun, journal = threading.Event(), threading.Event(), MemoryJournal()
    run, other = TaskRun("r", journal=journal), TaskRun()

    def hang() -> None:
        begun.set()
        gate.wait()

    def cancel() -> None:
        begun.wait()
        TaskRun.restore("r", journal).cancel()

    person = threading.Thread(target=cancel)
    person.start()
    with Runner(workers=1) as runner:
        states = runner.perform_all([Call(run, hang), Call(other, int)])
        gate.set()
    person.join()

    assert [type(state) for state in states] == [Cancelled, Success]


def test_a_journal_that_cannot_be_read_does_not_stop_the_scheduler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "_LOOK", 0.0)
    looked = threading.Event()

    class Unreachable(MemoryJournal):
        def steps(self, run: str) -> Any:
            looked.set()
            raise JournalError("it is away")

    run = TaskRun("r", journal=Unreachable())
    with Runner(workers=1) as runner:
        state = runner.perform(run, looked.wait)

    assert type(state) is Success
