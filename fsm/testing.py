"""Testing: a clock that you turn and a listener that remembers, for your tests as for ours."""

from __future__ import annotations

import concurrent.futures
import datetime
import threading
from collections.abc import Collection
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pendulum

from .errors import InvalidArgument

if TYPE_CHECKING:
    from .step import Step

__all__ = ["HandClock", "Recorder"]

_START = pendulum.datetime(2020, 1, 1)


class HandClock:
    """A clock that stands still until it is turned: `TaskRun(clock=HandClock())`.

    A runner given it does not sleep either: where it would wait, it turns the clock.
    """

    patience = 0.05  # real seconds for work in other threads to be done before time moves on

    def __init__(self, start: datetime.datetime = _START) -> None:
        if not isinstance(start, datetime.datetime) or start.tzinfo is None:
            raise InvalidArgument(f"a clock starts at an aware datetime, not {start!r}")
        self._now = pendulum.instance(start).in_timezone("UTC")
        self._passed = 0.0  # seconds, whatever it was set to
        self._lock = threading.Lock()

    def __call__(self) -> pendulum.DateTime:
        return self._now

    def advance(self, **durations: float) -> pendulum.DateTime:
        """Turn it forward (or back) by `seconds=`, `minutes=`, `hours=`, `days=` and so on."""
        with self._lock:
            before = self._now
            self._now = self._now.add(**durations)  # type: ignore[arg-type]  # pendulum takes fractions of seconds only, and says so itself
            self._passed += max((self._now - before).total_seconds(), 0.0)
            return self._now

    def jump(self, **durations: float) -> pendulum.DateTime:
        """Set it forward or back, as somebody sets a wall clock: no time passes."""
        with self._lock:
            self._now = self._now.add(**durations)  # type: ignore[arg-type]  # as above
            return self._now

    def steady(self) -> float:
        """The seconds that have passed, however often it was set."""
        return self._passed

    def turn_to(self, moment: datetime.datetime) -> pendulum.DateTime:
        """Turn it to *moment*, if that is ahead."""
        ahead = (pendulum.instance(moment) - self._now).total_seconds()
        return self.advance(seconds=max(ahead, 0.0))

    def wait(self, work: Collection[Future[Any]], seconds: float | None) -> None:
        """Wait for some of *work* to be done, or else let so many seconds pass."""
        done: Collection[Future[Any]] = ()
        if work:
            patience = None if seconds is None else self.patience
            done, _ = concurrent.futures.wait(work, patience, concurrent.futures.FIRST_COMPLETED)
        if not done and seconds is not None:
            self.advance(seconds=seconds)


class Recorder:
    """A listener that remembers: `recorder = run.after(Recorder())`, then `recorder.steps`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, _run: object, step: Step) -> None:
        self.steps.append(step)

    @property
    def events(self) -> list[str]:
        """The names of the events heard, in order."""
        return [step.event for step in self.steps]
