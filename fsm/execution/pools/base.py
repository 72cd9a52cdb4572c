"""What the scheduler asks of an executor, and what each kind of executor can promise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any

from fsm.execution.commands import Displaced, Lost, Raised
from fsm.execution.pickling import require_cloudpickle

__all__ = ["Pool", "RemotePool"]


class Pool:
    """An executor whose tasks stay in this process, on threads.

    A thread cannot be stopped: a time limit is recorded, and the thread goes on. So a pool that
    we create has more threads than workers.

    Args:
        own: Whether the executor is shut down with the pool.
    """

    remote = False  # whether tasks travel to other processes
    fatal = False  # whether a task that does not end is killed, with its process

    def __init__(self, executor: Executor, *, own: bool) -> None:
        self._executor = executor
        self._own = own

    @property
    def capacity(self) -> int | None:
        """How many tasks it executes at a time; None if it is unknown or ample.

        More would wait in its queue, not in ours, while their time limits run.
        """
        most = getattr(self._executor, "_max_workers", None)
        return most if isinstance(most, int) and not self._own else None

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have *task* called.

        Raises:
            Exception: The executor takes no work, such as after a shutdown.
        """
        return self._executor.submit(task, *args)

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        """Return what *error* of a future means for its work."""
        return Raised(error)

    def stop(self) -> None:
        """End what is executed as soon as that is possible."""

    def close(self) -> None:
        """Shut the executor down if it is ours; what is executed may go on until it is done."""
        if self._own:
            self._executor.shutdown(wait=False, cancel_futures=True)


class RemotePool(Pool):
    """An executor whose tasks travel, such as that of a Dask client.

    Its workers execute tasks on threads: a time limit is recorded, and the task goes on.

    Raises:
        MissingExtra: cloudpickle is not installed.
    """

    remote = True

    def __init__(self, executor: Executor, *, own: bool) -> None:
        require_cloudpickle()
        super().__init__(executor, own=own)

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        lost = isinstance(error, (BrokenExecutor, CancelledError, OSError))
        if lost or type(error).__name__ == "KilledWorker":
            return Lost(f"{type(error).__name__}: {error}")
        return Raised(error)  # errors of the task are replies: this one is of its journey
