"""Ctrl-C that takes effect between two steps, so that no run stops in the middle of one."""

from __future__ import annotations

import concurrent.futures
import contextvars
import math
import signal
import threading
import time
from collections.abc import Collection
from concurrent.futures import Future
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from fsm.states import ambient

if TYPE_CHECKING:
    import pendulum

__all__ = ["DemoInterrupted", "InterruptibleClock"]

_SLICE = 0.1  # seconds between two checks for Ctrl-C while waiting


class DemoInterrupted(Exception):
    """Ctrl-C was pressed. Not a KeyboardInterrupt, on which a runner cancels its runs."""


class InterruptibleClock:
    """The system's clock for a runner, whose waits raise `DemoInterrupted` after a Ctrl-C."""

    def __init__(self) -> None:
        self.interrupted: bool = False
        self._before: object = None

    def __call__(self) -> pendulum.DateTime:
        # In an empty context the ambient clock is the system's, not this one.
        return contextvars.Context().run(ambient.now)

    def wait(self, work: Collection[Future[object]], seconds: float | None) -> None:
        """Wait until some of *work* is done, at most so many seconds.

        Raises:
            DemoInterrupted: Ctrl-C was pressed.
        """
        end = math.inf if seconds is None else time.monotonic() + seconds
        while True:
            self.check()
            left = min(_SLICE, end - time.monotonic())
            if left <= 0:
                return
            if not work:
                time.sleep(left)
            elif concurrent.futures.wait(work, left, concurrent.futures.FIRST_COMPLETED).done:
                return

    def check(self) -> None:
        """Raise `DemoInterrupted` if Ctrl-C was pressed."""
        if self.interrupted:
            raise DemoInterrupted

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only it may set handlers
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if callable(self._before):
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self.interrupted = True
