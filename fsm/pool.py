"""Pool: an executor, and what its kind can and cannot promise."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from .errors import InvalidArgument
from .wish import Displaced, Lost

__all__ = ["Pool", "as_pool"]

_KINDS = ("thread", "process")
_JOIN = 2.0  # seconds that a process of a broken pool has to end


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

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have *task* called; a pool that takes no work answers with a future that says so."""
        try:
            return self._executor.submit(task, *args)
        except Exception as error:
            return _refused(error)

    @property
    def generation(self) -> int:
        """How often its workers were replaced as a whole."""
        return 0

    def mark(self) -> str | None:
        """A file for a worker to say in that it is at work; None where nobody would read it."""
        return None

    def verdict(self, error: BaseException, generation: int, mark: str | None) -> Lost | Displaced:
        """What it means that work did not come back, but *error*."""
        return Lost(str(error) or type(error).__name__)

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


class ProcessPool(RemotePool):
    """Processes, one task each at a time. A task whose time is up is stopped.

    If a process dies, `ProcessPoolExecutor` gives up as a whole and ends the others. We make
    another one, and tell whose work was lost with its process from whose work was only displaced.
    """

    fatal = True

    def __init__(self, executor: ProcessPoolExecutor, *, own: bool) -> None:
        super().__init__(executor, own=own)
        self._marks = tempfile.TemporaryDirectory(prefix="fsm-pool-")
        self._count = itertools.count()
        self._generation = 0
        self._culprits: dict[int, set[int]] = {}  # by generation: who died by itself
        self._processes: dict[int, BaseProcess] = {}

    @property
    def generation(self) -> int:
        return self._generation

    def mark(self) -> str:
        return str(Path(self._marks.name, str(next(self._count))))

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        for _ in range(2):
            try:
                work = self._executor.submit(task, *args)
            except BrokenProcessPool:  # a worker died while none of ours waited for it
                self._rebuild()
            except Exception as error:
                return _refused(error)
            else:
                self._processes.update(getattr(self._executor, "_processes", None) or {})
                return work
        return _refused(BrokenProcessPool("the pool breaks as soon as it is made"))

    def verdict(self, error: BaseException, generation: int, mark: str | None) -> Lost | Displaced:
        if generation == self._generation and isinstance(error, BrokenProcessPool):
            self._rebuild()
        try:
            process = int(Path(mark or "").read_text("ascii"))
        except (OSError, ValueError):  # it had not begun
            return Displaced()
        culprits = self._culprits.get(generation)
        if culprits and process not in culprits:
            return Displaced()
        return Lost(f"process {process} is gone")

    def stop(self) -> None:
        if self._own:
            for process in self._alive():
                process.terminate()

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self._marks.cleanup()

    def _alive(self) -> Iterable[BaseProcess]:
        return [process for process in self._processes.values() if process.is_alive()]

    def _rebuild(self) -> None:
        """Make another executor of the same kind, and remember who broke this one."""
        broken, processes = self._executor, self._processes
        assert isinstance(broken, ProcessPoolExecutor)
        broken.shutdown(wait=False, cancel_futures=True)
        for process in processes.values():
            process.join(_JOIN)
            if process.is_alive():
                process.kill()
        ended = (None, -signal.SIGTERM)  # by the executor, when it gave up
        self._culprits[self._generation] = {
            id for id, process in processes.items() if process.exitcode not in ended
        }
        self._generation += 1
        self._processes = {}
        self._executor, self._own = _alike(broken), True  # whoever made the broken one


def as_pool(executor: object, workers: int) -> Pool:
    """Take an executor, the name of a kind of our own, or None for threads.

    Raises:
        InvalidArgument: It is none of them.
    """
    if executor is None or executor == "thread":
        # A thread whose task timed out cannot be stopped: leave room for the tasks after it.
        return Pool(ThreadPoolExecutor(4 * workers), own=True)
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


def _refused(error: Exception) -> Future[Any]:
    refused: Future[Any] = Future()
    refused.set_exception(error)
    return refused


def _processes(workers: int) -> ProcessPoolExecutor:
    import multiprocessing  # at the door, with what follows: threads do without

    from .attempt import follow_parent

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
