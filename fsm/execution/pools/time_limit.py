"""Enforces the time limit of a task, in a process that executes nothing else."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = ["TimeLimitExceeded", "enforce_time_limit"]

_GRACE = 5.0  # seconds after its limit until a task that does not end is killed with its process


class TimeLimitExceeded(BaseException):
    """Raised in the task when its time limit has passed."""


@contextlib.contextmanager
def enforce_time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeLimitExceeded` after so many seconds; five seconds later end the process.

    The watchdog that ends it is a thread in C: it also ends code that never returns to Python.
    """
    if seconds is None:
        yield
        return
    seconds = max(seconds, 0.001)
    errors = sys.__stderr__ or Path(os.devnull).open("w")  # noqa: SIM115  # until the process ends
    faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=errors)
    try:
        with _alarm(seconds):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise in the main thread, which is the one that handles signals."""
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise(_signal: int, _frame: FrameType | None) -> None:
    raise TimeLimitExceeded
