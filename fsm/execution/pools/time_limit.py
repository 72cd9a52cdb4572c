"""Alarm: a task whose time is up is stopped, in a process that does nothing else."""

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

__all__ = ["TimeIsUp", "time_limit"]

_GRACE = 5.0  # seconds after its time until a task that does not end is killed with its process


class TimeIsUp(BaseException):
    """Raised in the task when its time is up."""


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeIsUp` after so many seconds; kill the process of what goes on all the same.

    A watchdog does so that needs no Python to run: code that never returns to it ends, too.
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
    """Raise in the main thread, which is where signals arrive."""
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
    raise TimeIsUp
