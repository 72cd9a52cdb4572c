"""Testing: a clock that you turn, work that takes its time by it, a listener that remembers."""

from __future__ import annotations

import concurrent.futures
import datetime
import heapq
import itertools
import random
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

import pendulum

from .durations import A_CENTURY
from .errors import InvalidArgument

if TYPE_CHECKING:
    from .lifecycle.step import Step

__all__ = ["HandClock", "Recorder", "SimulatedExecutor"]

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
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []  # by what has passed
        self._number = itertools.count()
        self._lock = threading.RLock()  # what it calls may turn it, too

    def __call__(self) -> pendulum.DateTime:
        return self._now

    def advance(self, **durations: float) -> pendulum.DateTime:
        """Turn it forward (or back) by `seconds=`, `minutes=`, `hours=`, `days=` and so on."""
        with self._lock:
            ahead = self._now.add(**durations) - self._now  # type: ignore[arg-type]  # pendulum takes fractions of seconds only, and says so itself
            seconds = ahead.total_seconds()
            end = round(self._passed + seconds, 6)
            while self._agenda and self._agenda[0][0] <= end:
                at, _, call = heapq.heappop(self._agenda)
                self._turn(at - self._passed)
                call()
            return self._turn(seconds if seconds < 0 else end - self._passed)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Have *call* called once so many seconds have passed, by whoever turns the clock.

        As long as there is something to call, nobody waits for threads: it is turned to that.
        """
        if not seconds >= 0:
            raise InvalidArgument(f"later is some seconds from now, not {seconds!r}")
        with self._lock:
            at = round(self._passed + min(seconds, A_CENTURY), 6)
            heapq.heappush(self._agenda, (at, next(self._number), call))

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
        if self._agenda:
            ahead = self._agenda[0][0] - self._passed
            self.advance(seconds=ahead if seconds is None else min(ahead, seconds))
            return
        done: Collection[Future[Any]] = ()
        if work:
            patience = None if seconds is None else self.patience
            done, _ = concurrent.futures.wait(work, patience, concurrent.futures.FIRST_COMPLETED)
        if not done and seconds is not None:
            self.advance(seconds=seconds)

    def _turn(self, seconds: float) -> pendulum.DateTime:
        self._now = self._now.add(seconds=round(seconds, 6))
        self._passed = round(self._passed + max(seconds, 0.0), 6)
        return self._now


class SimulatedExecutor(Executor):
    """An executor without threads, by whose clock a day of work is over in seconds.

        executor = SimulatedExecutor(clock, lasts=lambda chance: chance.uniform(1, 60))
        with Runner(executor, clock=clock) as runner: ...

    What is submitted is called where its time ends, by whoever turns the clock: with the same
    seed, whatever happens happens again.

    Args:
        lasts: Seconds that a call takes, or what says so by chance; infinity for one that hangs.
        breaks: Says, by chance, whether a call ends with an error of its worker's instead.
    """

    def __init__(
        self,
        clock: HandClock,
        lasts: float | Callable[[random.Random], float] = 1.0,
        breaks: Callable[[random.Random], BaseException | None] = lambda _chance: None,
        *,
        seed: int = 1,
    ) -> None:
        self._clock, self._lasts, self._breaks = clock, lasts, breaks
        self._chance = random.Random(seed)
        self._open = self._alive = True

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have *task* called when its time has passed."""
        if not self._open:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # as in a thread: it cannot be stopped any more
        lasts = self._lasts(self._chance) if callable(self._lasts) else self._lasts
        self._clock.later(lasts, lambda: self._end(future, task, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  # as all executors
        """Take no more; with *cancel_futures* what is under way never ends, as after a kill."""
        self._open = False
        self._alive = self._alive and not cancel_futures

    def _end(self, future: Future[Any], task: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if not self._alive:
            return
        error = self._breaks(self._chance)
        try:
            if error is not None:
                raise error
            result = task(*args, **kwargs)
        except BaseException as ended:  # as in a thread
            future.set_exception(ended)
        else:
            future.set_result(result)


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
