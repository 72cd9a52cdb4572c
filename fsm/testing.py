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
        self._lock = threading.Lock()

    def __call__(self) -> pendulum.DateTime:
        return self._now

    def advance(self, **durations: float) -> pendulum.DateTime:
        """Turn it forward (or back) by `seconds=`, `minutes=`, `hours=`, `days=` and so on."""
        with self._lock:
            self._now = self._now.add(**durations)  # type: ignore[arg-type]  # pendulum takes fractions of seconds only, and says so itself
            return self._now

    def turn_to(self, moment: datetime.datetime) -> pendulum.DateTime:
        """Turn it to *moment*, if that is ahead."""
        with self._lock:
            self._now = max(self._now, pendulum.instance(moment).in_timezone("UTC"))
            return self._now

    def wait(self, work: Collection[Future[Any]], until: datetime.datetime | None) -> None:
        """Wait for some of *work* to be done, or else turn to *until*."""
        done: Collection[Future[Any]] = ()
        if work:
            patience = None if until is None else self.patience
            done, _ = concurrent.futures.wait(work, patience, concurrent.futures.FIRST_COMPLETED)
        if not done and until is not None:
            self.turn_to(until)


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
