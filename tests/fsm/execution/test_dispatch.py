"""Dispatch: attempts that are claimed and recorded in workers, as their driver sees them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fsm import JournalError, MemoryJournal, Policy, Retry, Runner, StaleRun, TaskRun, open_journal
from fsm.execution import dispatch
from fsm.execution.commands import Displaced, Lost
from fsm.execution.pickling import deserialize_reply
from fsm.execution.pools.base import RemotePool
from fsm.execution.remote import RemoteTask, run_remote_task
from fsm.journal import Address
from fsm.journal.sqlite.journal import SQLiteJournal
from states import Failed, Success, TimedOut

gate = threading.Event()  # what is packed here is unpacked in the same process


def hangs() -> str:
    gate.wait()
    return "late"


def works() -> str:
    return "done"


@pytest.fixture(autouse=True)
def closed_gate() -> Iterator[None]:
    gate.clear()
    yield
    gate.set()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made
        gate.set()


@pytest.fixture
def runner(threads: ThreadPoolExecutor) -> Runner:
    """A runner on an executor that counts as far away, as a Dask cluster does."""
    made = Runner(workers=2)
    made._pool = RemotePool(threads, own=False)
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SQLiteJournal]:
    with SQLiteJournal(tmp_path / "runs.db") as made:
        yield made


def events(run: TaskRun) -> list[str]:
    return [step.event for step in run.history]


def test_a_worker_process_claims_and_records(runner: Runner, journal: SQLiteJournal) -> None:
    run = TaskRun("r", journal=journal)

    state = runner.perform(run, works)

    summary = journal.summary("r")
    assert (type(state), state.result) == (Success, "done")
    assert (summary.epoch, summary.owner) == (2, None)  # claimed, and given back


def test_the_result_travels_if_the_journal_cannot_be_opened_in_the_worker(runner: Runner) -> None:
    run = TaskRun(journal=MemoryJournal())

    assert runner.perform(run, works).result == "done"
    assert events(run) == ["start", "succeed"]


def test_before_listeners_are_called_in_the_driver(runner: Runner, journal: SQLiteJournal) -> None:
    run = TaskRun(journal=journal)
    asked: list[str] = []
    run.before(lambda _run, step: asked.append(step.event))

    runner.perform(run, works)

    assert asked == ["start", "succeed"]


def test_after_listeners_are_called_in_the_driver(runner: Runner, journal: SQLiteJournal) -> None:
    run = TaskRun(journal=journal)
    told: list[str] = []
    run.after(lambda _run, step: told.append(step.event))

    runner.perform(run, works)

    assert told == ["start", "succeed"]


def test_a_late_result_is_kept_as_such(
    runner: Runner, threads: ThreadPoolExecutor, journal: SQLiteJournal
) -> None:
    run = TaskRun("r", journal=journal, timeout=0.2)

    state = runner.perform(run, hangs)
    gate.set()
    threads.shutdown(wait=True)

    (late,) = journal.late_results("r")
    assert type(state) is TimedOut
    assert str(state.result) == "no end after 0.2 s; its thread cannot be stopped and goes on"
    assert events(TaskRun.restore("r", journal)) == ["start", "time_out"]
    assert late.state == Success(result="late")


def test_a_claim_of_an_earlier_attempt_is_revoked(runner: Runner, journal: SQLiteJournal) -> None:
    run = TaskRun("r", journal=journal, policy=Policy(Retry(max_rescues=0)))
    run.schedule()
    (ghost,) = journal.claim(run="r", owner="a worker that has died")

    state = runner.perform(run, works)

    assert type(state) is Success
    assert events(run) == ["schedule", "start", "succeed"]
    with pytest.raises(StaleRun):
        ghost.heartbeat()


def test_a_late_attempt_does_not_take_the_claim_of_the_next(
    journal: SQLiteJournal,
) -> None:
    run = TaskRun("r", journal=journal)
    run.start()
    late = RemoteTask("r", seq=1, owner="driver#1", address=journal.address)
    run.rescue()
    run.start()
    (claim,) = journal.claim(run="r", owner="driver#3 on elsewhere")

    reply = deserialize_reply(run_remote_task(late, b"", b""))

    assert reply == Lost("another worker has this attempt")
    claim.heartbeat()  # it still has it


def test_a_journal_that_workers_cannot_open_fails_the_run_with_the_reason(
    runner: Runner, journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: Address) -> Any:
        raise JournalError("there is no such file on this machine")

    monkeypatch.setattr(Address, "open", missing)
    monkeypatch.setattr("fsm.execution.remote._journals", {})

    state = runner.perform(TaskRun(journal=journal), works)

    assert type(state) is Failed
    assert "no such file on this machine" in str(state.message)


class Losing(RemotePool):
    """Says of all work what it is told to."""

    says: Lost | Displaced = Lost()

    def submit(self, *_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(OSError("the network is down"))
        return future

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Lost | Displaced:
        return self.says


def test_work_that_is_lost_again_and_again_fails(runner: Runner) -> None:
    runner._pool = Losing(Executor(), own=False)
    run = TaskRun(policy=Policy(Retry(max_rescues=2)))

    assert type(runner.perform(run, works)) is Failed
    assert events(run) == ["start", "rescue"] * 3


def test_work_that_is_displaced_again_and_again_counts_as_lost(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner._pool = losing = Losing(Executor(), own=False)
    losing.says = Displaced()
    monkeypatch.setattr(dispatch, "_MOST_DISPLACEMENTS", 2)
    run = TaskRun(policy=Policy(Retry(max_rescues=1)))

    assert type(runner.perform(run, works)) is Failed
    assert events(run) == ["start", "pause", "start", "pause", "start", "rescue"] * 2


def test_a_worker_that_dies_before_it_claims_a_run_costs_no_rescue(
    runner: Runner, journal: SQLiteJournal
) -> None:
    dying = Losing(Executor(), own=False)
    healthy, runner._pool = runner._pool, dying
    run = TaskRun(journal=journal, policy=Policy(Retry(max_rescues=0)))

    def heal(_run: TaskRun, _step: object) -> None:
        runner._pool.submit = healthy.submit  # type: ignore[method-assign]  # it has come back

    run.after("pause", heal)

    assert type(runner.perform(run, works)) is Success
    assert events(run) == ["start", "pause", "start", "succeed"]


def test_a_run_cancelled_elsewhere_is_not_waited_for(
    runner: Runner, journal: SQLiteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm.execution.scheduler._LOOK", 0.01)
    run = TaskRun("r", journal=journal)

    def cancel(_run: TaskRun, _step: object) -> None:
        with open_journal(str(tmp_path / "runs.db")) as theirs:
            TaskRun.restore("r", theirs).cancel()

    run.after("start", cancel)

    assert type(runner.perform(run, hangs)).__name__ == "Cancelled"
