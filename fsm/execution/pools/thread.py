"""An executor of daemon threads: a task that never ends does not keep its process alive.

At exit the interpreter waits for the threads of a `ThreadPoolExecutor`. After a Ctrl-C, or for a
task that has timed out, it would wait until that task is done.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")

_Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Threads(Executor):
    """Up to *most* daemon threads, started on demand."""

    def __init__(self, most: int) -> None:
        self._most, self._count, self._closed = most, 0, False
        self._lock = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        weakref.finalize(self, self._queue.put, None)

    def submit(self, task: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have *task* called in a thread.

        Raises:
            RuntimeError: The executor was shut down.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("these threads take no more work: they were shut down")
            self._queue.put((future, task, args, kwargs))
            if self._count < self._most and not self._idle.acquire(blocking=False):
                self._count += 1
                threading.Thread(
                    target=_work,
                    args=(self._queue, self._idle),
                    name=f"fsm-task-{self._count}",
                    daemon=True,
                ).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  # it is the interface's
        """Take no more work. Never waits: each thread ends after its present task."""
        with self._lock:
            self._closed = True
            while cancel_futures:
                try:
                    work = self._queue.get_nowait()
                except queue.Empty:
                    break
                if work is not None:
                    work[0].cancel()
            self._queue.put(None)


def _work(tasks: queue.SimpleQueue[_Work | None], idle: threading.Semaphore) -> None:
    while (work := tasks.get()) is not None:
        _call(*work)
        del work  # it may be large, and the next one may be long in coming
        idle.release()
    tasks.put(None)  # for the next thread


def _call(
    future: Future[Any], task: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = task(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
