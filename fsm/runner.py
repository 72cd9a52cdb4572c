"""Runner: real work under the lifecycle, on a thread pool or any `concurrent.futures` executor."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import attrs

from states import Mapped, State, ambient

from .drive import Answer, Execute, Expired, Lookup, Raised, Returned, Wait, Wish, drive
from .errors import InvalidArgument, UnknownRun
from .run import Clock
from .task import TaskRun

if TYPE_CHECKING:
    import pendulum

__all__ = ["Call", "Runner", "perform"]


@attrs.frozen(eq=False)
class Call:
    """One run and the callable it is a run of."""

    run: TaskRun
    task: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.define(eq=False)
class _Trip:
    """A call under way: its drive, and what it waits for."""

    call: Call
    drive: Generator[Wish, Answer, State]
    answer: Answer = None
    wish: Wish | None = None
    end: State | None = None
    future: Future[Any] | None = None

    @property
    def until(self) -> pendulum.DateTime | None:
        """When time answers its wish, if nothing else does."""
        return (
            self.wish.until if isinstance(self.wish, Wait) else getattr(self.wish, "deadline", None)
        )


def perform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run*: start, succeed or fail, retry, time out.

    Returns:
        The state the run ends in: finished, or `Paused`.

    Raises:
        JournalError: A step could not be kept; the run is where its journal says.
        StaleRun: Somebody else has moved the run.
    """
    with Runner(clock=run.clock) as runner:
        return runner.perform(run, task, *args, **kwargs)


class Runner:
    """Performs calls side by side. One thread decides; only callables travel to the executor.

    Inside a task, `states.ambient.context()` has `task_run_count`, `task_loop_count` and
    `task_loop_result`. A task may return a state as its outcome: `Skipped("nothing to do")`,
    `Looped(result=page)`, `Paused(start_time=...)`.

    Args:
        executor: Where tasks run; a thread pool of our own if left out.
        workers: How many tasks at a time. A time-out starts with the task, not in a queue.
        lookup: Asked before each start for an earlier result, as a `Cached`.
        clock: Whose time to wait by; the system's if left out.
    """

    def __init__(
        self,
        executor: Executor | None = None,
        *,
        workers: int | None = None,
        lookup: Lookup | None = None,
        clock: Clock | None = None,
    ) -> None:
        workers = min(32, (os.cpu_count() or 1) + 4) if workers is None else workers
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InvalidArgument(f"workers is a whole number from 1, not {workers!r}")
        self._workers = workers
        self._own = executor is None
        # A thread whose task timed out cannot be stopped: leave room for the tasks after it.
        self._executor = ThreadPoolExecutor(4 * workers) if executor is None else executor
        self._lookup = lookup
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads go; one whose task has timed out may go on until it is done."""
        if self._own:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def perform(self, run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
        """Call *task* under the lifecycle of *run*, as `fsm.perform` does."""
        return self.perform_all([Call(run, task, args, kwargs)])[0]

    def perform_all(self, calls: Iterable[Call]) -> list[State]:
        """Perform *calls* side by side; return the states they end in, in their order.

        Raises:
            InvalidArgument: Something among them is no call; nothing was started.
            KeyboardInterrupt: Passed on, with every run that was running cancelled.
        """
        trips = [self._trip(call) for call in calls]
        ready, under_way = deque(trips), list[_Trip]()
        try:
            while ready or under_way:
                while ready and sum(trip.future is not None for trip in under_way) < self._workers:
                    trip = ready.popleft()
                    self._go_on(trip)
                    if trip.end is None:
                        under_way.append(trip)
                self._wait(under_way)
                answered = [trip for trip in under_way if self._answered(trip)]
                under_way = [trip for trip in under_way if trip not in answered]
                ready.extend(answered)
        except BaseException as error:
            _abandon(under_way, error)
            raise
        return [trip.end for trip in trips if trip.end is not None]

    def map(self, run: TaskRun, task: Callable[[Any], Any], inputs: Iterable[Any]) -> State:
        """Map *task* over *inputs*, one child run each; return the state of *run*, `Mapped`.

        Children are called `ID[0]`, `ID[1]` and so on, and share journal, clock and policy of
        *run*. A child that its journal knows goes on from where it was; one that is finished is
        not run again.
        """
        items = list(inputs)
        children = [_child(run, index) for index in range(len(items))]
        if not isinstance(run.state, Mapped):
            run.map(map_states=[None] * len(items))
        calls = [Call(child, task, (item,)) for child, item in zip(children, items, strict=True)]
        ends = self.perform_all(calls)
        if list(getattr(run.state, "map_states", ())) != ends:
            run.map(map_states=ends)
        return run.state

    def _trip(self, call: Call) -> _Trip:
        if not isinstance(call, Call) or not isinstance(call.run, TaskRun):
            raise InvalidArgument(f"a Call of a TaskRun is needed, not {call!r}")
        if not callable(call.task):
            raise InvalidArgument(
                f"the task of {call.run.id!r} is called, but {call.task!r} cannot be"
            )
        return _Trip(call, drive(call.run, self._lookup))

    def _go_on(self, trip: _Trip) -> None:
        """Give the drive its answer, and begin what it wishes for next."""
        trip.future = None
        try:
            trip.wish = trip.drive.send(trip.answer)
        except StopIteration as stop:
            trip.end = stop.value
            return
        trip.answer = None
        if isinstance(trip.wish, Execute):
            run, call = trip.call.run, trip.call
            names = {
                "task_run_count": run.attempts,
                "task_loop_count": run.loop_count + 1,
                "task_loop_result": run.loop_result,
            }
            trip.future = self._executor.submit(_execute, names, call.task, call.args, call.kwargs)

    def _answered(self, trip: _Trip) -> bool:
        """Whether the wish has been answered: by the task, or by time."""
        if trip.future is not None and trip.future.done():
            error = trip.future.exception()
            trip.answer = Returned(trip.future.result()) if error is None else Raised(error)
            return True
        if trip.until is not None and trip.until <= self._now():
            trip.answer = Expired() if trip.future is not None else None
            return True
        return False

    def _wait(self, trips: Sequence[_Trip]) -> None:
        """Wait for the first of the tasks under way, or for the first time that comes."""
        work = [trip.future for trip in trips if trip.future is not None]
        until = min((trip.until for trip in trips if trip.until is not None), default=None)
        if not trips or (until is not None and until <= self._now()):
            return
        wait = getattr(self._clock, "wait", None)
        if wait is not None:
            wait(work, until)
        else:
            _really_wait(work, None if until is None else (until - self._now()).total_seconds())

    def _now(self) -> pendulum.DateTime:
        if self._clock is None:
            return ambient.now()
        with ambient.clock(self._clock):
            return ambient.now()


_LONGEST_WAIT = 60.0  # seconds until the wall clock is looked at again: it may have been set


def _really_wait(work: Collection[Future[Any]], seconds: float | None) -> None:
    seconds = _LONGEST_WAIT if seconds is None else min(seconds, _LONGEST_WAIT)
    if work:
        concurrent.futures.wait(work, seconds, concurrent.futures.FIRST_COMPLETED)
    else:
        time.sleep(seconds)


def _execute(
    names: Mapping[str, Any],
    task: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call the task where it is executed, in the ambient context of its attempt."""
    with ambient.using(**names):
        return task(*args, **kwargs)


def _abandon(trips: Iterable[_Trip], error: BaseException) -> None:
    """Leave no run in the middle of nowhere: an interrupt cancels those under way."""
    for trip in trips:
        trip.drive.close()
        if isinstance(error, KeyboardInterrupt) and "cancel" in trip.call.run.allowed:
            trip.call.run.cancel(message="Interrupt signal raised, cancelling task run.")


def _child(run: TaskRun, index: int) -> TaskRun:
    id = f"{run.id}[{index}]"
    if run.journal is not None:
        try:
            return type(run).restore(id, run.journal, clock=run.clock)
        except UnknownRun:
            pass
    return type(run)(id, journal=run.journal, clock=run.clock, **run.settings())
