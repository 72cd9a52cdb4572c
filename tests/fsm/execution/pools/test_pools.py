"""Pools: executors of every kind, whole, broken and shut down."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from fsm import Call, Policy, Retry, Runner, TaskRun
from fsm.errors import InvalidArgument, MissingExtra
from fsm.execution.commands import Lost, Raised
from fsm.execution.pools import as_pool
from fsm.execution.pools.base import RemotePool
from fsm.execution.pools.process import PidFile, ProcessPool
from fsm.execution.pools.thread import Threads
from fsm.execution.pools.time_limit import TimeLimitExceeded, enforce_time_limit
from states import Failed

LIMIT = 12_345  # of recursion, for an initializer to set


def spawned(workers: int, *initializer: Any) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    first, *rest = initializer or (None,)
    return ProcessPoolExecutor(workers, context, initializer=first, initargs=tuple(rest))


@pytest.mark.parametrize("how", ["spawn", "fork"])
def test_a_broken_executor_of_the_caller_is_replaced_with_the_same_arguments(how: str) -> None:
    context = multiprocessing.get_context(how)
    executor = ProcessPoolExecutor(1, context, initializer=sys.setrecursionlimit, initargs=(LIMIT,))
    with executor, Runner(executor, workers=3) as runner:
        before = runner.perform(TaskRun(), sys.getrecursionlimit)
        lost = runner.perform(TaskRun(policy=Policy(Retry(max_rescues=1))), os._exit, 1)
        after = runner.perform(TaskRun(), sys.getrecursionlimit)

    assert (before.result, type(lost), after.result) == (LIMIT, Failed, LIMIT)


def test_a_pool_that_always_breaks_before_any_work_is_given_up() -> None:
    run = TaskRun(policy=Policy(Retry(max_rescues=0)))

    with spawned(1, int, "no number") as executor, Runner(executor) as runner:
        state = runner.perform(run, int)

    assert type(state) is Failed
    assert "ended before they began any work; does its initializer fail" in str(state.message)
    assert run.rescues == 0


class Breaking(ProcessPoolExecutor):
    """One that breaks while it is given something: its pipes are closed already."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise OSError("handle is closed")


def test_a_pool_that_breaks_while_it_takes_work_is_replaced() -> None:
    pool = ProcessPool(Breaking(1, multiprocessing.get_context("spawn")), own=True)

    assert pool.submit(int, "7").result() == 7

    pool.close()


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_pool_that_is_closed_takes_no_work(kind: str) -> None:
    runner = Runner(kind, workers=1)
    runner.close()

    state = runner.perform(TaskRun(), int)

    assert type(state) is Failed
    assert "shut" in str(state.message)


def test_an_executor_gets_no_more_tasks_than_it_executes_at_a_time() -> None:
    with ThreadPoolExecutor(2) as executor:
        assert as_pool(executor, 9).capacity == 2
        assert Runner(executor, workers=9)._workers == 2
    assert as_pool(None, 9).capacity is None


@pytest.mark.parametrize("wrong", ["threads", 3, object()])
def test_something_that_is_no_executor_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="an executor has submit"):
        Runner(wrong)


def test_processes_need_cloudpickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    with pytest.raises(MissingExtra, match=r"runstates\[process\]"):
        Runner("process")


def test_threads_need_neither_cloudpickle_nor_dask() -> None:
    program = """
import sys
sys.modules.update(dict.fromkeys(["cloudpickle", "dask", "distributed"]))
from fsm import TaskRun, perform
print(perform(TaskRun(), int, "7").result)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("7\n", "")


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(OSError("gone"), Lost), (TypeError("it cannot be read there"), Raised)],
    ids=repr,
)
def test_an_error_means_lost_work_only_if_a_worker_may_be_gone(
    error: Exception, verdict: type[Any]
) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert isinstance(RemotePool(executor, own=False).verdict(Future(), error), verdict)


def test_a_pid_file_that_was_not_finished_is_ignored(tmp_path: Any) -> None:
    (tmp_path / "77").touch()  # its process died in between
    PidFile(str(tmp_path), 5).write()

    assert PidFile.read_all(str(tmp_path)) == {5: os.getpid()}


# Threads.


def test_a_thread_is_used_again() -> None:
    threads = Threads(3)

    names = set()
    for _ in range(9):
        names.add(threads.submit(threading.current_thread).result().name)
        assert threads._idle.acquire(timeout=60)  # it is free again
        threads._idle.release()

    assert len(names) == 1


def test_there_are_no_more_threads_than_the_limit() -> None:
    threads, barrier = Threads(2), threading.Barrier(3)

    work = [threads.submit(barrier.wait) for _ in range(2)]
    more = threads.submit(threading.active_count)
    assert not more.done()
    barrier.wait()

    assert sorted([*(each.result() for each in work)]) < [2, 2]
    assert more.result() > 0


def test_tasks_that_have_not_begun_are_cancelled_by_a_shutdown() -> None:
    threads, gate = Threads(1), threading.Event()
    begun, waiting = threads.submit(gate.wait), threads.submit(int)

    threads.shutdown(cancel_futures=True)
    threads.shutdown(cancel_futures=True)
    gate.set()

    assert begun.result() is True
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="shut down"):
        threads.submit(int)


def test_a_task_that_never_ends_keeps_no_process_alive() -> None:
    program = """
import threading
from fsm import TaskRun, perform
print(type(perform(TaskRun(timeout=0.01), threading.Event().wait)).__name__)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.stdout, ran.stderr) == ("TimedOut\n", "")


# Time.


def test_a_task_that_ignores_its_time_limit_is_killed_with_its_process() -> None:
    program = """
import threading
from fsm.execution.pools import time_limit
time_limit._GRACE = 0.01
with time_limit.enforce_time_limit(0.01):
    while True:
        try:
            threading.Event().wait()
        except BaseException:
            pass
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )

    assert ran.returncode == 1
    assert b"Timeout" in ran.stderr


def test_the_time_limit_interrupts_a_wait() -> None:
    with pytest.raises(TimeLimitExceeded), enforce_time_limit(0.01):
        threading.Event().wait()


def test_many_runs_share_a_broken_pool() -> None:
    """Displaced work starts again; only the run that broke the pool uses a rescue."""
    with Runner("process", workers=2) as runner:
        runs = [TaskRun(policy=Policy(Retry(max_rescues=0))) for _ in range(20)]
        guilty = TaskRun(policy=Policy(Retry(max_rescues=1)))
        task: Callable[..., Any] = os.getpid
        ends = runner.perform_all(
            [Call(guilty, os._exit, (1,)), *(Call(run, task) for run in runs)]
        )

    assert type(ends[0]) is Failed
    assert {type(end).__name__ for end in ends[1:]} == {"Success"}
