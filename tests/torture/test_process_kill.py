"""Processes of a pool are killed at any moment: no run is stuck, and none is recorded twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from fsm import Call, Policy, Retry, Runner, TaskRun, open_journal
from states import Failed, Success

from .counts import chance, times
from .labour import FOR_EVER, Log, batch, check, deadly, killing, labour, of_a_pool, quick, slow

SHARES = 2
KILLS = 4  # of one batch, at most


def url_of(store: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """A fresh journal of a kind."""
    return str(folder / "r.db") if store == "sqlite" else request.getfixturevalue("database")


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_process_killed_at_any_moment_is_replaced(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, share: int
) -> None:
    rng, url = chance("process", store, share), url_of(store, request, tmp_path)
    log, kills, killed, number = Log(tmp_path / "log"), times("kills of workers", shares=2), 0, 0

    while killed < kills:
        with open_journal(url) as journal, Runner("process", workers=2) as runner:
            calls = batch(journal, log, f"b{number}", rng)
            with killing(of_a_pool, rng, min(KILLS, kills - killed), threading.Event()) as some:
                labour(runner, calls)
        killed, number = killed + len(some), number + 1

    print(f"{killed} processes killed in {number} batches")
    check(url, log)


class Armed:
    """Unpickled in a process, it has the process die at a mark, as often as there are files."""

    def __init__(self, mark: str, after: bool, lives: Path) -> None:
        self._given = mark, after, str(lives)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return arm, self._given


def arm(mark: str, after: bool, lives: str) -> None:
    from fsm.execution import remote

    marked = getattr(remote, mark)

    def dying(*args: Any) -> Any:
        result = marked(*args) if after else None
        for life in Path(lives).iterdir():
            life.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return result if after else marked(*args)

    setattr(remote, mark, dying)


# By the function at whose beginning or end it is.
MARKS = {
    "before it claims": ("_claim_and_call", False),
    "after it has claimed": ("_call", False),
    "after the task": ("_call", True),
    "after its report": ("_record", True),
    "before it answers": ("_claim_and_call", True),
}


@pytest.mark.parametrize("mark", MARKS)
def test_a_process_killed_at_a_mark_is_replaced(tmp_path: Path, mark: str) -> None:
    url, log, lives = str(tmp_path / "r.db"), Log(tmp_path / "log"), tmp_path / "lives"
    lives.mkdir()
    for life in range(2):
        (lives / str(life)).touch()
    cloudpickle.register_pickle_by_value(__import__("sys").modules[__name__])
    armed = cloudpickle.dumps(Armed(*MARKS[mark], lives))
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, spawn, initializer=cloudpickle.loads, initargs=(armed,))

    with open_journal(url) as journal, pool, Runner(pool) as runner:
        calls = batch(journal, log, "r", random.Random(1))
        labour(runner, calls)

    assert not list(lives.iterdir()), "it was not killed"
    check(url, log)
    if mark in ("after its report", "before it answers"):
        assert {call.run.rescues for call in calls} == {0}
        assert max(log.counts()[call.run.id] for call in calls if call.task is quick) == 1


@pytest.mark.parametrize("kept", [True, False], ids=["journal", "no journal"])
def test_a_deadly_task_takes_no_innocent_run_with_it(tmp_path: Path, kept: bool) -> None:
    url, log = str(tmp_path / "r.db"), Log(tmp_path / "log")
    with open_journal(url) as journal, Runner("process", workers=2) as runner:
        how: dict[str, Any] = {"journal": journal} if kept else {}
        innocent = [TaskRun(policy=Policy(Retry(max_rescues=0)), **how) for _ in range(4)]
        guilty = TaskRun(policy=Policy(Retry(max_rescues=2)), **how)

        ends = runner.perform_all(
            [Call(guilty, deadly, (log,)), *(Call(run, slow, (log, 0.1)) for run in innocent)]
        )

    assert [type(end) for end in ends] == [Failed, *[Success] * 4]
    assert log.counts()[guilty.id] == 3
    assert (guilty.rescues, {run.rescues for run in innocent}) == (2, {0})
    if kept:
        check(url, log)


def test_a_run_without_a_journal_outlives_its_processes(tmp_path: Path) -> None:
    rng, log = chance("process", "no journal"), Log(tmp_path / "log")

    with Runner("process", workers=2) as runner:
        calls = batch(None, log, "r", rng)
        with killing(of_a_pool, rng, KILLS, threading.Event()):
            labour(runner, calls)

    assert min(log.counts()[call.run.id] for call in calls if call.over is None) >= 1
    assert {call.run.policy.retry.max_rescues for call in calls} == {FOR_EVER.retry.max_rescues}
