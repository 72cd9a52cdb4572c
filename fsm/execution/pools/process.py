"""A pool of processes of this machine: kills tasks whose time is up, survives broken executors."""

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

__all__ = ["Mark", "ProcessPool", "follow_parent", "marked", "spawn_executor", "under_way"]

_JOIN = 2.0  # seconds that a process of a broken pool has to end
_KILLED = -getattr(signal, "SIGKILL", 9)
_FRUITLESS = 5  # times in a row that a pool may break before it has begun any work


@attrs.frozen
class _Wreck:
    """A broken executor: which process was at which work, and who died by itself."""

    at_work: dict[int, int]
    culprits: dict[int, int | None]  # by what they ended


class ProcessPool(RemotePool):
    """Processes, one task each at a time. A task whose time is up is stopped.

    If a process dies, `ProcessPoolExecutor` gives up as a whole and ends the others. We make
    another one, and tell whose work was lost with its process from whose work was only displaced.
    """

    fatal = True

    def __init__(self, executor: ProcessPoolExecutor, *, own: bool) -> None:
        super().__init__(executor, own=own)
        self._folder = tempfile.TemporaryDirectory(prefix="fsm-pool-")
        self._numbers = itertools.count()
        self._marks: WeakKeyDictionary[Future[Any], Mark] = WeakKeyDictionary()
        self._wrecks: dict[str, _Wreck] = {}
        self._fruitless = 0
        self._begin()

    def _begin(self) -> None:
        """Begin another generation of processes, which leave their marks in a folder."""
        self._processes: dict[int, BaseProcess] = {}
        self._marked = tempfile.mkdtemp(dir=self._folder.name)

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        broken: Exception | None = None
        while self._fruitless < _FRUITLESS:
            mark = Mark(self._marked, next(self._numbers))
            try:
                work = self._executor.submit(marked, mark, task, *args)
            except (BrokenProcessPool, OSError) as error:  # it broke, or does so right now
                broken = error
                self._rebuild()
            else:
                self._marks[work] = mark
                self._meet()
                return work
        raise BrokenProcessPool(
            f"{_FRUITLESS} times in a row the pool's processes ended before they began any work; "
            "does its initializer fail, or a script start it outside of `if __name__ == "
            "'__main__':`?"
        ) from broken

    def verdict(self, work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        mark = self._marks.pop(work, None)
        if mark is None or not isinstance(error, BrokenProcessPool):
            return Raised(error)
        if mark.folder == self._marked:
            self._rebuild()
        wreck = self._wrecks[mark.folder]
        process = wreck.at_work.get(mark.number)
        if process is None or (wreck.culprits and process not in wreck.culprits):
            return Displaced()
        return Lost(f"process {process} is gone")

    def stop(self) -> None:
        if self._own:
            for process in self._processes.values():
                process.kill()

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self._folder.cleanup()

    def _meet(self) -> None:
        """Remember the processes there are: a broken executor forgets them."""
        self._processes.update(getattr(self._executor, "_processes", None) or {})

    def _rebuild(self) -> None:
        """Make another executor of the same kind, and remember who broke this one."""
        broken = self._executor
        assert isinstance(broken, ProcessPoolExecutor)
        self._meet()
        at_work, culprits = Mark.read(self._marked), _buried(broken, self._processes)
        killed = _KILLED in culprits.values()  # by somebody who may tire of it
        self._fruitless = 0 if at_work or killed else self._fruitless + 1
        self._wrecks[self._marked] = _Wreck(at_work, culprits)
        self._executor, self._own = _alike(broken), True  # whoever made the broken one
        self._begin()


def _buried(
    broken: ProcessPoolExecutor, processes: dict[int, BaseProcess]
) -> dict[int, int | None]:
    """See that all its processes are gone; which of them nobody has ended, and how they did."""
    deadline = time.monotonic() + _JOIN
    left = {process.sentinel: process for process in processes.values()}
    while left and (ended := wait(list(left), max(0.0, deadline - time.monotonic()))):
        for sentinel in ended:
            del left[sentinel]  # type: ignore[arg-type]  # what was given comes back
    for process in left.values():
        process.kill()
    # Its thread waits for the processes, too, and only one of us is told how they ended.
    manager = getattr(broken, "_executor_manager_thread", None)
    broken.shutdown(wait=False, cancel_futures=True)
    if manager is not None:
        manager.join(_JOIN)
    ours = {process.pid for process in left.values()}
    ended_by_it = (None, -signal.SIGTERM)  # when it gave up
    return {
        id: process.exitcode
        for id, process in processes.items()
        if id not in ours and process.exitcode not in ended_by_it
    }


def spawn_executor(workers: int) -> ProcessPoolExecutor:
    import multiprocessing  # imported on demand: threads do without

    # A fork would take this process's locks and connections along in whatever state they are.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=follow_parent)


def _alike(broken: ProcessPoolExecutor) -> ProcessPoolExecutor:
    """A fresh executor of the same making."""
    made: Any = broken  # how it was made it does not say
    return ProcessPoolExecutor(
        made._max_workers,
        mp_context=made._mp_context,
        initializer=made._initializer,
        initargs=made._initargs,
        max_tasks_per_child=getattr(made, "_max_tasks_per_child", None),
    )


@attrs.frozen
class Mark:
    """One piece of work, by its number; in *folder* each process says which one it is at."""

    folder: str
    number: int

    def leave(self) -> None:
        """Say that this process has begun the work."""
        with suppress(OSError):  # the work is worth more than knowing who does it
            Path(self.folder, str(os.getpid())).write_text(str(self.number), "ascii")

    @staticmethod
    def read(folder: str) -> dict[int, int]:
        """Which process was last at which work: by its number."""
        found = {}
        for file in Path(folder).iterdir():
            with suppress(OSError, ValueError):  # it died while it said so
                found[int(file.read_text("ascii"))] = int(file.name)
        return found


def marked(mark: Mark, task: Callable[..., Any], *args: Any) -> Any:
    """Call *task*, having said which process does."""
    with under_way:
        mark.leave()
        return task(*args)


class _UnderWay:
    """How many pieces of work this process is at."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._leaving = False

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._leaving)  # for ever: the process ends
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """End this process once what is under way is done; nothing more is begun."""
        with self._changed:
            self._leaving = True
            self._changed.wait_for(lambda: not self._count)
            os._exit(0)


under_way = _UnderWay()


def follow_parent() -> None:
    """Leave with the process that made this one, though it was killed: when what is done is done.

    And leave its interrupts to it: it says what becomes of the runs.
    """
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), name="fsm-parent", daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    under_way.end()
