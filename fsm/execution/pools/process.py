"""A pool of processes of this machine: kills tasks after their time limit, replaces dead workers.

A `ProcessPoolExecutor` fails as a whole when one of its processes dies, and does not say which.
So each process writes a pid file with the number of its work. The pool then knows whose work was
lost with its process, and whose was only displaced.
"""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from fsm.execution.commands import Displaced, Lost, Raised

from .base import RemotePool

__all__ = ["PidFile", "ProcessPool", "create_executor", "exit_with_parent", "run_in_process"]

_JOIN = 2.0  # seconds that a process of a broken executor has to end
_KILLED = -getattr(signal, "SIGKILL", 9)
_MOST_BREAKS = 5  # in a row before any work has begun


@attrs.frozen
class _Crash:
    """What is known of a broken executor."""

    pids: dict[int, int]  # which process had which work, by the number of the work
    culprits: dict[int, int | None]  # exit codes of the processes that died by themselves, by pid


class ProcessPool(RemotePool):
    """Processes that execute one task each at a time. A task is stopped after its time limit.

    When the executor breaks it is replaced by another of the same kind. Tasks of processes that
    died by themselves are lost, tasks of the others displaced.
    """

    fatal = True

    def __init__(self, executor: ProcessPoolExecutor, *, own: bool) -> None:
        super().__init__(executor, own=own)
        self._folder = tempfile.TemporaryDirectory(prefix="fsm-pool-")
        self._numbers = itertools.count()
        self._pid_files: WeakKeyDictionary[Future[Any], PidFile] = WeakKeyDictionary()
        self._crashes: dict[str, _Crash] = {}  # by the folder of their pid files
        self._breaks = 0
        self._begin_generation()

    def _begin_generation(self) -> None:
        """Begin another generation of processes, with a folder of its own for pid files."""
        self._processes: dict[int, BaseProcess] = {}
        self._pid_folder = tempfile.mkdtemp(dir=self._folder.name)

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        broken: Exception | None = None
        while self._breaks < _MOST_BREAKS:
            pid_file = PidFile(self._pid_folder, next(self._numbers))
            try:
                work = self._executor.submit(run_in_process, pid_file, task, *args)
            except (BrokenProcessPool, OSError) as error:  # it is broken, or breaks right now
                broken = error
                self._replace_executor()
            else:
                self._pid_files[work] = pid_file
                self._remember_processes()
                return work
        raise BrokenProcessPool(
            f"{_MOST_BREAKS} times in a row the pool's processes ended before they began any work; "
            "does its initializer fail, or a script start it outside of `if __name__ == "
            "'__main__':`?"
        ) from broken

    def verdict(self, work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        pid_file = self._pid_files.pop(work, None)
        if pid_file is None or not isinstance(error, BrokenProcessPool):
            return Raised(error)
        if pid_file.folder == self._pid_folder:
            self._replace_executor()
        crash = self._crashes[pid_file.folder]
        pid = crash.pids.get(pid_file.number)
        if pid is None or (crash.culprits and pid not in crash.culprits):
            return Displaced()
        return Lost(f"process {pid} is gone")

    def stop(self) -> None:
        if self._own:
            for process in self._processes.values():
                process.kill()

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self._folder.cleanup()

    def _remember_processes(self) -> None:
        """Remember the present processes: a broken executor forgets them."""
        self._processes.update(getattr(self._executor, "_processes", None) or {})

    def _replace_executor(self) -> None:
        """Create another executor of the same kind, and remember which processes died."""
        broken = self._executor
        assert isinstance(broken, ProcessPoolExecutor)
        self._remember_processes()
        pids, culprits = PidFile.read_all(self._pid_folder), _join(broken, self._processes)
        killed = _KILLED in culprits.values()  # from outside, which may not happen again
        self._breaks = 0 if pids or killed else self._breaks + 1
        self._crashes[self._pid_folder] = _Crash(pids, culprits)
        self._executor, self._own = _copy(broken), True  # even if the broken one was not ours
        self._begin_generation()


def _join(broken: ProcessPoolExecutor, processes: dict[int, BaseProcess]) -> dict[int, int | None]:
    """Wait until all processes are gone, and kill those that stay.

    Returns:
        The exit codes of those that neither we nor the executor have ended, by pid.
    """
    deadline = time.monotonic() + _JOIN
    left = {process.sentinel: process for process in processes.values()}
    while left and (ended := wait(list(left), max(0.0, deadline - time.monotonic()))):
        for sentinel in ended:
            del left[sentinel]  # type: ignore[arg-type]  # what was given comes back
    for process in left.values():
        process.kill()
    # Its thread waits for the processes, too, and an exit code can be read only once.
    manager = getattr(broken, "_executor_manager_thread", None)
    broken.shutdown(wait=False, cancel_futures=True)
    if manager is not None:
        manager.join(_JOIN)
    ours = {process.pid for process in left.values()}
    ended_by_executor = (None, -signal.SIGTERM)
    return {
        pid: process.exitcode
        for pid, process in processes.items()
        if pid not in ours and process.exitcode not in ended_by_executor
    }


def create_executor(workers: int) -> ProcessPoolExecutor:
    """Return an executor of our own, with *workers* processes."""
    import multiprocessing  # imported on demand: threads do without

    # A fork would copy the locks and connections of this process in whatever state they are.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=exit_with_parent)


def _copy(broken: ProcessPoolExecutor) -> ProcessPoolExecutor:
    """Return a fresh executor with the same arguments."""
    given: Any = broken  # it has no public attributes for them
    return ProcessPoolExecutor(
        given._max_workers,
        mp_context=given._mp_context,
        initializer=given._initializer,
        initargs=given._initargs,
        max_tasks_per_child=getattr(given, "_max_tasks_per_child", None),
    )


# In the worker process.


@attrs.frozen
class PidFile:
    """A file in *folder*, named by the pid of its process, with the number of its present work."""

    folder: str
    number: int

    def write(self) -> None:
        """Record that this process has begun the work."""
        with suppress(OSError):  # the work matters more than its record
            Path(self.folder, str(os.getpid())).write_text(str(self.number), "ascii")

    @staticmethod
    def read_all(folder: str) -> dict[int, int]:
        """Return the pids of the processes by the number of their last work."""
        found = {}
        for file in Path(folder).iterdir():
            with suppress(OSError, ValueError):  # its process died while it wrote it
                found[int(file.read_text("ascii"))] = int(file.name)
        return found


def run_in_process(pid_file: PidFile, task: Callable[..., Any], *args: Any) -> Any:
    """Call *task*, after this process has recorded that it does."""
    with _in_flight:
        pid_file.write()
        return task(*args)


class _InFlight:
    """Counts the tasks that this process executes, so that it can drain them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._draining = False

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._draining)  # for ever: the process ends
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def drain_and_exit(self) -> None:
        """End this process when its present tasks are done; no other task begins."""
        with self._changed:
            self._draining = True
            self._changed.wait_for(lambda: not self._count)
            os._exit(0)


_in_flight = _InFlight()


def exit_with_parent() -> None:
    """Have this process drain and exit when its parent is gone, even if that was killed.

    Interrupts are ignored here: the parent decides what becomes of the runs.
    """
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), name="fsm-parent", daemon=True).start()


def _watch(parent: Any) -> None:
    parent.join()
    _in_flight.drain_and_exit()
