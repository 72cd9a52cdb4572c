"""What the scheduler asks of an executor, and what each kind of executor can promise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any

from fsm.execution.commands import Displaced, Lost, Raised
from fsm.execution.pickling import check_packing

__all__ = ["Pool", "RemotePool"]


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
