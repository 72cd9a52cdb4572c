"""Where tasks are executed: threads, processes, or any `concurrent.futures` executor."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

from fsm.errors import InvalidArgument

from .base import Pool, RemotePool
from .process import ProcessPool, create_executor
from .thread import Threads

__all__ = ["Pool", "as_pool"]

_KINDS = ("thread", "process")


def as_pool(executor: object, workers: int) -> Pool:
    """Take an executor, the name of a kind of our own, or None for threads.

    Raises:
        InvalidArgument: It is none of them.
        MissingExtra: cloudpickle is not installed, and tasks would travel to other processes.
    """
    if executor is None or executor == "thread":
        # A thread whose task timed out cannot be stopped: leave room for the tasks after it.
        return Pool(Threads(4 * workers), own=True)
    if executor == "process":
        return ProcessPool(create_executor(workers), own=True)
    if isinstance(executor, ProcessPoolExecutor):
        return ProcessPool(executor, own=False)
    if not callable(getattr(executor, "submit", None)):
        raise InvalidArgument(
            f"an executor has submit(task), or is one of {', '.join(_KINDS)}; {executor!r} is not"
        )
    given: Any = executor
    if type(executor).__module__.partition(".")[0] in ("distributed", "dask"):
        return RemotePool(given, own=False)
    return Pool(given, own=False)
