"""Interrupt: Ctrl-C heard between steps, so that no run is left in the middle of one."""

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

__all__ = ["Interrupted", "InterruptibleClock"]

_SLICE = 0.1  # seconds until a wait looks whether it has been interrupted


class Interrupted(Exception):
    """The user has pressed Ctrl-C. Not a KeyboardInterrupt, which would cancel runs for good."""


class InterruptibleClock:
    """The system's clock for a runner, whose waits end in `Interrupted` after a Ctrl-C."""

    def __init__(self) -> None:
        self.interrupted = False
        self._before: object = None

    def __call__(self) -> pendulum.DateTime:
        # An empty context has the system's clock in force, not this one.
        return contextvars.Context().run(ambient.now)

    def wait(self, work: Collection[Future[object]], seconds: float | None) -> None:
        """Wait for some of *work* to be done, or for so many seconds.

        Raises:
            Interrupted: Ctrl-C came first.
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
        """Raise `Interrupted` if Ctrl-C has come."""
        if self.interrupted:
            raise Interrupted

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # nobody else hears signals
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if callable(self._before):
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        self.interrupted = True
