"""The current run: what a task may know of its run, on threads and in processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from fsm import Runner, TaskRun, current_run, open_journal
from fsm.errors import InvalidArgument
from fsm.journal.sqlite.journal import SQLiteJournal
from states import Cancelled, Looped, Paused

cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module", params=["thread", "process"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    with Runner(request.param, workers=1) as made:
        yield made


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SQLiteJournal]:
    with SQLiteJournal(tmp_path / "runs.db") as made:
        yield made


def told() -> list[Any]:
    run = current_run()
    assert run.deadline is not None
    return [run.id, run.attempt, run.loop_count, run.resumed, run.deadline.isoformat()]


def test_a_task_knows_its_run(runner: Runner, journal: SQLiteJournal) -> None:
    run = TaskRun("r", journal=journal, timeout=60)

    state = runner.perform(run, told)

    assert state.result[:4] == ["r", 1, 1, False]
    assert state.result[4] == run.history[0].at.add(seconds=60).isoformat()


def test_a_task_knows_which_attempt_it_is_in(runner: Runner, journal: SQLiteJournal) -> None:
    def task() -> int:
        if current_run().attempt < 3:
            raise OSError
        return current_run().attempt

    assert runner.perform(TaskRun(journal=journal, max_retries=2), task).result == 3


def test_a_task_knows_the_iteration_before(runner: Runner, journal: SQLiteJournal) -> None:
    def task() -> Any:
        run = current_run()
        done = [*(run.loop_result or ()), run.loop_count]
        return done if run.loop_count == 3 else Looped(result=done)

    assert runner.perform(TaskRun(journal=journal), task).result == [1, 2, 3]


def test_a_task_knows_that_its_run_was_resumed(runner: Runner, journal: SQLiteJournal) -> None:
    def task() -> Any:
        return "approved" if current_run().resumed else Paused()

    run = TaskRun(journal=journal)
    runner.perform(run, task)
    run.resume()

    assert runner.perform(run, task).result == "approved"


def test_a_task_knows_that_another_process_cancelled_its_run(
    runner: Runner, journal: SQLiteJournal, tmp_path: Path
) -> None:
    url, heard = str(tmp_path / "runs.db"), tmp_path / "heard"

    def task() -> None:
        import threading

        with open_journal(url) as theirs:  # as another process would
            TaskRun.restore("r", theirs).cancel()
        while not current_run().cancel_requested:
            threading.Event().wait(0.01)
        heard.touch()

    state = runner.perform(TaskRun("r", journal=journal), task)
    runner.perform(TaskRun(journal=journal), int)  # a process does it after the one before

    assert type(state) is Cancelled
    if runner._pool.remote:
        assert heard.exists()


def test_there_is_no_current_run_outside_of_a_task() -> None:
    with pytest.raises(InvalidArgument, match="no task is being performed here"):
        current_run()
