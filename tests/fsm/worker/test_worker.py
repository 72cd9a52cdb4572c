"""Worker: runs that were left in a journal are claimed, performed and given back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from fsm import Call, JournalError, MemoryJournal, Run, Step, TaskRun
from fsm.errors import InvalidArgument
from fsm.execution.context import current_run
from fsm.flow.function_run import FunctionRun
from fsm.flow.task import Task, task
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.operations import cancel, resume
from fsm.testing import HandClock
from fsm.worker.job import ClaimedJob
from fsm.worker.worker import Worker
from states import Failed, Paused, Retrying, Skipped, Success

PATIENCE = 30.0  # seconds until something counts as stuck


@task
def double(number: int) -> int:
    return 2 * number


@task(max_retries=1, retry_delay=3600)
def failing() -> None:
    raise ValueError("no")


def restored(work: Task[..., Any], run: str, journal: Any) -> Run:
    return work.kind.restore(run, journal)


def events(run: Run) -> list[str]:
    return [step.event for step in run.history]


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask again until it is so."""
    asked = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if condition():
            return
        asked.wait(0.01)
    raise TimeoutError


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    """Let a worker work in a thread, and drain it at once in the end."""
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(worker.run)
        try:
            yield
        finally:
            worker.drain(0.0)
            working.result(PATIENCE)


class Hanging:
    """A task that goes on until its run is not wanted any more."""

    def __init__(self) -> None:
        self.began, self.told, self.freed = threading.Event(), threading.Event(), threading.Event()

        @task
        def hang() -> str:
            self.began.set()
            current = current_run()
            wait_until(lambda: current.cancel_requested or self.freed.is_set())
            if current.cancel_requested:
                self.told.set()
            return "done"

        self.task = hang


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.freed.set()


# Ends.


def test_a_submitted_run_is_performed_with_its_arguments(journal: Any) -> None:
    double.with_options(journal=journal, id="r").submit(number=21)

    finished = Worker(journal, [double]).until_idle()

    run = restored(double, "r", journal)
    assert finished == 1
    assert isinstance(run.state, Success)
    assert run.state.result == 42
    assert events(run) == ["submit", "start", "succeed"]
    assert journal.summary("r").owner is None


def test_many_runs_are_performed_by_several_workers_side_by_side() -> None:
    journal = MemoryJournal()
    for number in range(200):
        double.with_options(journal=journal, id=f"r{number}").submit(number)

    with ThreadPoolExecutor(3) as pool:
        workers = [Worker(journal, [double], owner=f"w{n}", workers=2) for n in range(3)]
        finished = sum(pool.map(Worker.until_idle, workers))

    assert finished == 200
    assert {summary.state for summary in journal.runs()} == {"Success"}
    assert {summary.steps for summary in journal.runs()} == {3}


def test_runs_of_other_tasks_are_not_touched(journal: Any) -> None:
    failing.with_options(journal=journal, id="other").submit()
    TaskRun("plain", journal=journal).submit()

    assert Worker(journal, [double]).until_idle() == 0
    assert [summary.epoch for summary in journal.runs()] == [0, 0]


def test_on_done_is_called_with_each_run(journal: Any, caplog: pytest.LogCaptureFixture) -> None:
    double.with_options(journal=journal, id="r").submit(1)
    told: list[Any] = []

    def tell(run: TaskRun) -> None:
        told.append((run.id, type(run.state)))
        raise ValueError("only looks on")

    assert Worker(journal, [double], on_done=tell).until_idle() == 1
    assert told == [("r", Success)]


def test_a_task_may_return_its_outcome(journal: Any) -> None:
    @task
    def nothing() -> Any:
        return Skipped("nothing to do")

    nothing.with_options(journal=journal, id="r").submit()
    Worker(journal, nothing).until_idle()

    assert type(restored(nothing, "r", journal).state) is Skipped


# Waits.


def test_a_run_that_has_to_wait_for_long_is_released(journal: Any) -> None:
    failing.with_options(journal=journal, id="r").submit()

    assert Worker(journal, [failing], lease=60).until_idle() == 0

    assert isinstance(restored(failing, "r", journal).state, Retrying)
    assert (journal.summary("r").owner, journal.summary("r").lease) == (None, None)


def test_a_run_that_has_to_wait_briefly_is_kept(journal: Any) -> None:
    tried: list[int] = []

    @task(max_retries=1, retry_delay=0.02)
    def second() -> str:
        tried.append(current_run().attempt)
        if len(tried) == 1:
            raise ValueError("no")
        return "yes"

    second.with_options(journal=journal, id="r").submit()

    assert Worker(journal, [second]).until_idle() == 1
    assert tried == [1, 2]
    assert journal.summary("r").epoch == 2  # one claim, one release


def test_a_run_that_waits_for_an_approval_goes_on_after_it(journal: Any) -> None:
    @task
    def deploy() -> Any:
        return "deployed" if current_run().resumed else Paused("may I?")

    deploy.with_options(journal=journal, id="r").submit()

    assert Worker(journal, [deploy]).until_idle() == 0
    assert journal.summary("r").owner is None
    resume(journal, "r")
    assert Worker(journal, [deploy]).until_idle() == 1
    assert restored(deploy, "r", journal).state.result == "deployed"


# What cannot be performed.


def test_a_run_whose_arguments_are_not_there_is_failed(journal: Any) -> None:
    double.kind("r", journal=journal).submit()

    assert Worker(journal, [double]).until_idle() == 1

    state = restored(double, "r", journal).state
    assert type(state) is Failed
    assert state.message == (
        "Its journal does not have the arguments of its task: missing a required argument: 'number'"
    )
    assert journal.summary("r").owner is None


def test_a_run_whose_settings_do_not_fit_is_failed(journal: Any) -> None:
    class Elsewhere(FunctionRun):
        __module__, __qualname__ = double.kind.__module__, double.kind.__qualname__

        def settings(self) -> Mapping[str, Any]:
            return {**super().settings(), "colour": "red"}

    Elsewhere("r", journal=journal).submit()

    assert Worker(journal, [double]).until_idle() == 1

    (last,) = list(journal.steps("r"))[1:]
    assert type(last.dest) is Failed
    assert last.dest.message.startswith("Its worker cannot restore it: run 'r': its settings")
    assert "colour" in last.dest.message


def test_a_run_that_was_not_submitted_is_not_touched(journal: Any, clock: HandClock) -> None:
    run = double.with_options(journal=journal, id="r", clock=clock).new(1)
    run.start()
    run.rescue()  # it waits, as one does that its own process is about to try again

    assert Worker(journal, [double]).until_idle() == 0
    assert journal.summary("r").state == "Retrying"


def test_a_vetoed_run_is_not_claimed_over_and_over(journal: Any) -> None:
    work = Task(lambda: 1, TaskRun.default_policy)
    asked: list[Step] = []

    @work.kind.before("start")
    def veto(run: Run, step: Step) -> None:
        asked.append(step)
        raise ValueError("not today")

    work.with_options(journal=journal, id="r").submit()

    assert Worker(journal, [work]).until_idle() == 0
    assert len(asked) == 1
    assert journal.summary("r").owner is not None  # its claim lapses: then it is tried again


def test_a_run_whose_result_could_not_be_recorded_is_left_for_a_rescue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    double.with_options(journal=journal, id="r").submit(1)
    kept = MemoryJournal.append
    broken = iter([True])

    def append(self: Any, step: Step, *args: Any, **kwargs: Any) -> None:
        if step.event == "succeed" and next(broken, False):
            raise JournalError("the disk is full")
        kept(self, step, *args, **kwargs)

    monkeypatch.setattr(MemoryJournal, "append", append)
    assert Worker(journal, [double]).until_idle() == 0
    assert [summary.run for summary in journal.find_lapsed()] == ["r"]
    assert Worker(journal, [double]).until_idle() == 1

    assert events(restored(double, "r", journal)) == [
        "submit", "start", "rescue", "start", "succeed",
    ]  # fmt: skip


# Others.


def test_a_run_whose_worker_is_lost_is_rescued_first(journal: Any) -> None:
    run = double.with_options(journal=journal, id="r").submit(4)
    journal.claim(run="r", owner="dead", lease=0)
    run.start()

    assert Worker(journal, [double]).until_idle() == 1
    assert events(restored(double, "r", journal)) == [
        "submit", "start", "rescue", "start", "succeed",
    ]  # fmt: skip


def test_a_cancelled_run_is_given_up(journal: Any, hanging: Hanging) -> None:
    hanging.task.with_options(journal=journal, id="r").submit()

    with at_work(Worker(journal, [hanging.task])):
        assert hanging.began.wait(PATIENCE)
        list(cancel(journal, "r"))
        assert hanging.told.wait(PATIENCE)
        wait_until(lambda: journal.summary("r").owner is None)

    assert events(restored(hanging.task, "r", journal)) == ["submit", "start", "cancel"]


def test_the_result_of_a_lost_run_is_kept_as_a_late_result(journal: Any, hanging: Hanging) -> None:
    hanging.task.with_options(journal=journal, id="r").submit()
    worker = Worker(journal, [hanging.task], lease=0.5)

    with at_work(worker):
        assert hanging.began.wait(PATIENCE)
        assert journal.revoke("r", owner=worker.owner)
        assert journal.claim(run="r", owner="other", lease=60)
        assert hanging.told.wait(PATIENCE)
        wait_until(lambda: bool(list(journal.late_results("r"))))

    (late,) = journal.late_results("r")
    assert (late.event, late.dest, late.owner) == ("succeed", "Success", worker.owner)
    assert events(restored(hanging.task, "r", journal)) == ["submit", "start"]
    assert journal.summary("r").owner == "other"


def test_the_result_of_a_lost_run_is_waited_for(
    journal: Any,
) -> None:
    run = double.with_options(journal=journal, id="r").submit(1)
    (claim,) = journal.claim(run="r", owner="we")
    job = ClaimedJob(Call(run, double, (1,)), claim, 60.0)
    restored(double, "r", journal).trigger("pause")

    assert job.has_moved()
    job.lose()
    assert not job.has_moved()


# Drain.


def test_a_drain_ends_when_the_active_runs_have_ended(journal: Any, hanging: Hanging) -> None:
    hanging.task.with_options(journal=journal, id="first").submit()
    worker = Worker(journal, [hanging.task], workers=1, grace=3600)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(worker.run)
        assert hanging.began.wait(PATIENCE)
        hanging.task.with_options(journal=journal, id="second").submit()
        worker.drain()
        hanging.freed.set()
        assert working.result(PATIENCE) == 1

    assert not hanging.told.is_set()
    assert journal.summary("first").state == "Success"
    assert journal.summary("second").state == "Submitted"


def test_runs_that_outlast_a_drain_are_put_back(journal: Any, hanging: Hanging) -> None:
    hanging.task.with_options(journal=journal, id="r").submit()

    with at_work(Worker(journal, [hanging.task])):
        assert hanging.began.wait(PATIENCE)

    run = restored(hanging.task, "r", journal)
    assert events(run) == ["submit", "start", "pause"]
    assert run.state.message == "Its worker was stopped; it starts again."
    assert hanging.told.wait(PATIENCE)
    assert journal.summary("r").owner is None
    hanging.freed.set()
    assert Worker(journal, [hanging.task]).until_idle() == 1
    assert restored(hanging.task, "r", journal).attempts == 1


def test_a_run_that_waits_is_released_by_a_drain(journal: Any) -> None:
    @task(max_retries=1, retry_delay=50)
    def once() -> None:
        raise ValueError("no")

    once.with_options(journal=journal, id="r").submit()
    with at_work(Worker(journal, [once], lease=60)):
        wait_until(lambda: journal.summary("r").state == "Retrying")
        assert journal.summary("r").owner is not None

    assert journal.summary("r").owner is None


def test_a_worker_that_was_drained_before_it_began_does_nothing(journal: Any) -> None:
    double.with_options(journal=journal).submit(1)
    worker = Worker(journal, [double])

    worker.drain()

    assert worker.run() == 0
    assert worker.until_idle() == 1


def test_an_interrupt_puts_runs_back_and_cancels_none(journal: Any, hanging: Hanging) -> None:
    def interrupt(run: TaskRun) -> None:
        raise KeyboardInterrupt

    hanging.task.with_options(journal=journal, id="r").submit()
    double.with_options(journal=journal, id="other").submit(1)

    with pytest.raises(KeyboardInterrupt):
        Worker(journal, [hanging.task, double], on_done=interrupt).run()

    assert journal.summary("r").state in ("Paused", "Submitted")
    assert journal.summary("r").owner is None


# A journal that is away.


@contextmanager
def away(journal: Any, times: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The journal cannot be asked for claims for so many times."""
    asked: list[int] = []
    claim = type(journal).claim

    def claiming(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        if len(asked) <= times:
            raise JournalError("the server is away")
        return claim(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(type(journal), "claim", claiming)
        yield asked


def test_a_journal_that_comes_back_is_used_again(
    journal: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    double.with_options(journal=journal, id="r").submit(1)

    with (
        caplog.at_level(logging.WARNING, "fsm.worker"),
        away(journal, 3, monkeypatch),
        at_work(Worker(journal, [double], poll=0.01)),
    ):
        wait_until(lambda: journal.summary("r").over)

    said = [record.getMessage() for record in caplog.records if record.name == "fsm.worker"]
    assert [line.partition(" s:")[0][-3:] for line in said] == ["0.0", "0.0", "0.0"]
    assert "the server is away" in said[0]


def test_until_idle_does_not_wait_for_an_unreachable_journal(
    journal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with away(journal, 1, monkeypatch), pytest.raises(JournalError, match="away"):
        Worker(journal, [double]).until_idle()


# Arguments.


@pytest.mark.parametrize(
    "given",
    [
        {"tasks": []},
        {"tasks": [lambda: 1]},
        {"tasks": None},
        {"workers": 0},
        {"workers": True},
        {"lease": 0},
        {"lease": "soon"},
        {"poll": 0},
        {"poll": float("nan")},
        {"grace": -1},
        {"owner": ""},
        {"owner": "two\nlines"},
        {"on_done": "me"},
        {"journal": None},
    ],
)
def test_wrong_arguments_of_a_worker_are_refused(given: dict[str, Any]) -> None:
    sense: dict[str, Any] = {"journal": MemoryJournal(), "tasks": [double]}

    with pytest.raises(InvalidArgument):
        Worker(**{**sense, **given})


def test_a_worker_may_have_an_executor_of_its_own(tmp_path: Any) -> None:
    with SQLiteJournal(tmp_path / "r.db") as journal, ThreadPoolExecutor(2) as pool:
        double.with_options(journal=journal, id="r").submit(1)

        assert Worker(journal, [double], executor=pool).until_idle() == 1
        assert pool.submit(int).result() == 0  # it is not ours to close
