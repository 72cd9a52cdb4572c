"""Pool: an executor, and what its kind can and cannot promise."""

from __future__ import annotations

import itertools
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from fsm.errors import InvalidArgument
from fsm.execution.commands import Displaced, Lost, Raised
from fsm.execution.pickling import check_packing

from .process import Mark, follow_parent, marked
from .thread import Threads

__all__ = ["Pool", "as_pool"]

_KINDS = ("thread", "process")
_JOIN = 2.0  # seconds that a process of a broken pool has to end
_KILLED = -getattr(signal, "SIGKILL", 9)
_FRUITLESS = 5  # times in a row that a pool may break before it has begun any work


class Pool:
    """An executor whose tasks stay in this process, as threads do.

    A thread cannot be stopped: that its time is up is recorded, and it goes on. So a pool of our
    own has room for the tasks after it.
    """

    remote = False  # whether what is submitted travels to another process
    fatal = False  # whether a task that does not end is killed, with its process

    def __init__(self, executor: Executor, *, own: bool) -> None:
        self._executor = executor
        self._own = own

    @property
    def room(self) -> int | None:
        """How many tasks it carries out at a time: more would wait in its queue, not in ours."""
        most = getattr(self._executor, "_max_workers", None)
        return most if isinstance(most, int) and not self._own else None

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have *task* called.

        Raises:
            Exception: The executor takes no work, such as when it was shut down.
        """
        return self._executor.submit(task, *args)

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        """What it means that work did not come back, but *error*."""
        return Raised(error)

    def stop(self) -> None:
        """Let what is under way end as soon as it can be made to."""

    def close(self) -> None:
        """Let the workers go, if they are ours; what is under way may go on until it is done."""
        if self._own:
            self._executor.shutdown(wait=False, cancel_futures=True)


class RemotePool(Pool):
    """An executor whose tasks travel, such as that of a Dask client.

    Its workers execute in threads: a time-out is recorded, and the task goes on.
    """

    remote = True

    def __init__(self, executor: Executor, *, own: bool) -> None:
        check_packing()
        super().__init__(executor, own=own)

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        lost = isinstance(error, (BrokenExecutor, CancelledError, OSError))
        if lost or type(error).__name__ == "KilledWorker":
            return Lost(f"{type(error).__name__}: {error}")
        return Raised(error)  # not of the task, whose errors are answers: it could not travel


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


def as_pool(executor: object, workers: int) -> Pool:
    """Take an executor, the name of a kind of our own, or None for threads.

    Raises:
        InvalidArgument: It is none of them.
        MissingExtra: What packs functions for other processes is not installed.
    """
    if executor is None or executor == "thread":
        # A thread whose task timed out cannot be stopped: leave room for the tasks after it.
        return Pool(Threads(4 * workers), own=True)
    if executor == "process":
        return ProcessPool(_processes(workers), own=True)
    if isinstance(executor, ProcessPoolExecutor):
        return ProcessPool(executor, own=False)
    if not callable(getattr(executor, "submit", None)):
        raise InvalidArgument(
            f"an executor has submit(task), or is one of {', '.join(_KINDS)}; {executor!r} is not"
        )
    made: Any = executor
    if type(executor).__module__.partition(".")[0] in ("distributed", "dask"):
        return RemotePool(made, own=False)
    return Pool(made, own=False)


def _processes(workers: int) -> ProcessPoolExecutor:
    import multiprocessing  # at the door: threads do without

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
