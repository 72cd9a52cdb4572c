"""Where callables run: threads, processes, or any executor with the interface of the library."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

from fsm.errors import InvalidArgument

from .base import Pool, RemotePool
from .process import ProcessPool, spawn_executor
from .thread import Threads

__all__ = ["Pool", "as_pool"]

_KINDS = ("thread", "process")


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
        return ProcessPool(spawn_executor(workers), own=True)
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
