"""Firing: a request that comes twice, and an interrupt in the middle of an append."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fsm import CallbackError, GuardRejected, MemoryJournal, StaleRun, Step, TaskRun
from fsm.errors import InvalidArgument
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.testing import HandClock, Recorder
from states import Running, Scheduled, State, Success

# A request that comes twice


def test_a_request_that_comes_twice_is_one_step(run: TaskRun) -> None:
    recorder = run.after(Recorder())

    first = run.once("request-1", "start", message="first")
    second = run.once("request-1", TaskRun.start, message="second")

    assert first is second is run.state
    assert (len(run.history), recorder.events) == (1, ["start"])
    assert run.state.message == "first"


def test_a_request_is_answered_by_its_own_step_when_the_run_has_gone_on(run: TaskRun) -> None:
    started = run.once("request-1", "start")
    run.succeed()

    assert run.once("request-1", "start") is started
    assert type(run.state) is Success


def test_other_requests_are_other_steps(run: TaskRun) -> None:
    run.once("request-1", "start")
    run.fail()
    run.retry()
    run.once("request-2", "start")

    assert [step.key for step in run.history] == ["request-1", None, None, "request-2"]


def test_a_request_for_something_else_is_refused(run: TaskRun) -> None:
    run.once("request-1", "start")

    with pytest.raises(InvalidArgument, match="belongs to a step of start, not of succeed"):
        run.once("request-1", "succeed")

    assert (type(run.state), len(run.history)) == (Running, 1)


@pytest.mark.parametrize("key", ["", "x" * 201, 5, None, "a\nb"], ids=repr)
def test_a_key_is_what_a_journal_can_keep(run: TaskRun, key: Any) -> None:
    with pytest.raises(InvalidArgument, match="a request's key"):
        run.once(key, "start")

    assert run.history == ()


def test_a_request_that_was_refused_may_come_again(run: TaskRun) -> None:
    run.pause()
    with pytest.raises(GuardRejected):
        run.once("request-1", "start")
    run.resume()

    assert type(run.once("request-1", "start")) is Running


def test_a_request_whose_listeners_failed_is_made_all_the_same(run: TaskRun) -> None:
    @run.after
    def fails(run: TaskRun, step: Step) -> None:
        raise ValueError("listener")

    with pytest.raises(CallbackError):
        run.once("request-1", "start")

    assert run.once("request-1", "start") is run.state
    assert len(run.history) == 1


def test_what_listeners_post_is_not_the_request(run: TaskRun) -> None:
    run.on_enter(Running, lambda run, step: run.post("succeed"))

    assert type(run.once("request-1", "start")) is Running
    assert [step.key for step in run.history] == ["request-1", None]


def test_a_restored_run_knows_its_requests(journal: Any, clock: HandClock, obeys: Any) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    started = run.once("request-1", "start")
    run.succeed()

    again = TaskRun.restore("r", journal, clock=clock)

    assert again.once("request-1", "start") == started
    assert [step.key for step in again.history] == ["request-1", None]
    assert [record.key for record in journal.records("r")] == ["request-1", None]
    obeys(again)


def test_a_request_that_another_process_has_answered_is_stale(
    journal: Any, clock: HandClock
) -> None:
    TaskRun("r", journal=journal, clock=clock).schedule()
    here, there = (TaskRun.restore("r", journal, clock=clock) for _ in range(2))
    answered = there.once("request-1", "start")

    with pytest.raises(StaleRun):
        here.once("request-1", "start")

    assert len(here.history) == 1
    again = TaskRun.restore("r", journal, clock=clock)
    assert again.once("request-1", "start") == answered
    assert len(again.history) == 2


@pytest.mark.parametrize("round_", range(10))
def test_of_threads_with_one_key_exactly_one_moves_the_run(run: TaskRun, round_: int) -> None:
    gate = threading.Barrier(8)

    def ask() -> State:
        gate.wait()
        return run.once("request-1", "start")

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]

    assert len(run.history) == 1
    assert all(answer is run.state for answer in answers)


@pytest.mark.parametrize("round_", range(5))
def test_of_writers_with_one_key_exactly_one_moves_the_run(journal: Any, round_: int) -> None:
    gate = threading.Barrier(8)
    runs = [TaskRun("r", journal=journal) for _ in range(8)]

    def ask(run: TaskRun) -> State | StaleRun:
        gate.wait()
        try:
            return run.once("request-1", "start")
        except StaleRun as stale:
            return stale

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, runs))

    assert [type(answer) for answer in answers].count(Running) == 1
    assert [type(answer) for answer in answers].count(StaleRun) == 7
    assert [step.key for step in journal.steps("r")] == ["request-1"]


# An interrupt in the middle of an append


class Torn:
    """A journal whose next append is interrupted, before or after the step is kept."""

    torn: str | None = None

    def append(self, step: Step, *of: Any, **more: Any) -> None:
        torn, self.torn = self.torn, None
        if torn == "before":
            raise KeyboardInterrupt
        super().append(step, *of, **more)  # type: ignore[misc]  # of the journal it is mixed into
        if torn == "after":
            raise KeyboardInterrupt


class TornMemory(Torn, MemoryJournal): ...


class TornSQLite(Torn, SQLiteJournal): ...


@pytest.fixture(params=["memory", "sqlite"])
def torn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TornMemory | TornSQLite]:
    """Each kind of journal in turn, in which a run called r has been scheduled."""
    journal = TornMemory() if request.param == "memory" else TornSQLite(tmp_path / "runs.db")
    TaskRun("r", journal=journal).schedule()
    yield journal
    journal.close()


FIRE: dict[str, Callable[[TaskRun], object]] = {
    "sync": lambda run: run.start(context={"a": 1}),
    "async": lambda run: asyncio.run(run.start.aio(context={"a": 1})),
    "once": lambda run: run.once("request-1", "start", context={"a": 1}),
    "post": lambda run: run.post("start", context={"a": 1}),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("listens", [False, True], ids=["alone", "heard"])
@pytest.mark.parametrize("way", FIRE)
def test_an_interrupted_append_leaves_memory_and_journal_in_step(
    torn: TornMemory | TornSQLite, way: str, listens: bool, when: str, obeys: Any
) -> None:
    run = TaskRun.restore("r", torn)
    if listens:
        run.before(Recorder())
    torn.torn = when

    with pytest.raises(KeyboardInterrupt):
        FIRE[way](run)

    assert type(run.state) is (Running if when == "after" else Scheduled)
    obeys(run)
    run.trigger("succeed" if when == "after" else "start")
    obeys(run)


def test_an_interrupted_request_is_not_made_again(torn: TornMemory | TornSQLite) -> None:
    run = TaskRun.restore("r", torn)
    torn.torn = "after"
    with pytest.raises(KeyboardInterrupt):
        run.once("request-1", "start")

    assert run.once("request-1", "start") is run.state
    assert len(run.history) == 2
