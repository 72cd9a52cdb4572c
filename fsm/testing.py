"""For tests: a clock that is set by hand, an executor that runs by it, a listener that records."""

import concurrent.futures
import datetime
import heapq
import itertools
import random
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from typing import Any

import pendulum

from .durations import A_CENTURY
from .errors import InvalidArgument
from .lifecycle.step import Step

__all__ = ["HandClock", "Recorder", "SimulatedExecutor"]

_START = pendulum.datetime(2020, 1, 1)


class HandClock:
    """A clock that stands still until a test moves it: `TaskRun(clock=HandClock())`.

    A runner with this clock does not sleep: where it would wait, it moves the clock forward.

    It may be moved by several threads.

    Args:
        start: An aware datetime; the first of January 2020 in UTC if left out.
    """

    # Real seconds that `wait` gives work in threads before it moves the clock.
    patience: float = 0.05

    def __init__(self, start: datetime.datetime = _START) -> None:
        if not isinstance(start, datetime.datetime) or start.tzinfo is None:
            raise InvalidArgument(f"the start of a clock is an aware datetime, not {start!r}")
        self._now = pendulum.instance(start).in_timezone("UTC")
        self._passed = 0.0  # seconds, not changed by `jump`
        # Calls to make, by the value of `_passed` at which they are due.
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()
        self._lock = threading.RLock()  # a function that it calls may move it, too

    def __call__(self) -> pendulum.DateTime:
        """The time, in UTC."""
        return self._now

    def advance(self, **durations: float) -> pendulum.DateTime:
        """Move the clock, and call on the way what `later` has put down; return the new time.

        Args:
            durations: `seconds=`, `minutes=`, `hours=`, `days=` and so on; negative ones move the
                time back, but not `steady()`.
        """
        with self._lock:
            ahead = self._now.add(**durations) - self._now  # type: ignore[arg-type]  # pendulum takes fractions of seconds only, and says so itself
            seconds = ahead.total_seconds()
            end = round(self._passed + seconds, 6)
            while self._agenda and self._agenda[0][0] <= end:
                at, _, call = heapq.heappop(self._agenda)
                self._move(at - self._passed)
                call()
            return self._move(seconds if seconds < 0 else end - self._passed)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call *call* once *seconds* have passed, in the thread that moves the clock.

        While there are calls to make, `wait` does not wait for threads: it moves the clock to the
        next call.
        """
        if not seconds >= 0:
            raise InvalidArgument(f"later() needs seconds of 0 or more, not {seconds!r}")
        with self._lock:
            at = round(self._passed + min(seconds, A_CENTURY), 6)
            heapq.heappush(self._agenda, (at, next(self._number), call))

    def jump(self, **durations: float) -> pendulum.DateTime:
        """Set the time forward or back, as a wall clock is set: no time passes for `steady()`."""
        with self._lock:
            self._now = self._now.add(**durations)  # type: ignore[arg-type]  # as above
            return self._now

    def steady(self) -> float:
        """The seconds that have passed since the start, not changed by `jump`."""
        return self._passed

    def turn_to(self, moment: datetime.datetime) -> pendulum.DateTime:
        """Move the clock to *moment*, if that is ahead; return the time."""
        ahead = (pendulum.instance(moment) - self._now).total_seconds()
        return self.advance(seconds=max(ahead, 0.0))

    def wait(self, work: Collection[Future[Any]], seconds: float | None) -> None:
        """Wait until some of *work* is done, or after `patience` move the clock by *seconds*.

        Runners and schedulers call this in place of waiting.

        Args:
            seconds: None where there is no deadline: it waits until some of *work* is done.
        """
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

    def _move(self, seconds: float) -> pendulum.DateTime:
        self._now = self._now.add(seconds=round(seconds, 6))
        self._passed = round(self._passed + max(seconds, 0.0), 6)
        return self._now


class SimulatedExecutor(Executor):
    """An executor without threads that runs by a `HandClock`: a day of work is over in seconds.

        executor = SimulatedExecutor(clock, lasts=lambda chance: chance.uniform(1, 60))
        with Runner(executor, clock=clock) as runner: ...

    A submitted function is called when its time has passed, in the thread that moves the clock.
    With the same seed, the same happens again.

    Args:
        lasts: Seconds that a call takes, or a function of a `random.Random` that returns them;
            infinity for a call that hangs.
        breaks: A function of a `random.Random` that returns an error with which the call ends in
            place of its own result, as when a worker dies; None for no error.
        seed: Of the `random.Random` that both get.
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
        """Call *task* when its time has passed, and return its future.

        Raises:
            RuntimeError: The executor has been shut down.
        """
        if not self._open:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # as in a thread: it cannot be cancelled any more
        lasts = self._lasts(self._chance) if callable(self._lasts) else self._lasts
        self._clock.later(lasts, lambda: self._end(future, task, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  # as all executors
        """Accept no more work.

        Args:
            cancel_futures: Whether calls that are under way never end, as after a kill.
        """
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
    """A listener that records steps: `recorder = run.after(Recorder())`, then `recorder.steps`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, _run: object, step: Step) -> None:
        self.steps.append(step)

    @property
    def events(self) -> list[str]:
        """The events of the recorded steps, by name and in order."""
        return [step.event for step in self.steps]
