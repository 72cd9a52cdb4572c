"""Runner: real work under the lifecycle, on a thread pool or any `concurrent.futures` executor."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from states import Mapped, State, ambient

from .drive import Lookup
from .errors import InvalidArgument, UnknownRun
from .journal import Claim
from .run import Clock
from .task import TaskRun
from .trip import Call, Trip

if TYPE_CHECKING:
    import pendulum

__all__ = ["Call", "Runner", "perform"]

_LONGEST_WAIT = 60.0  # seconds until the wall clock is looked at again: it may have been set


def perform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run*: start, succeed or fail, retry, time out.

    Returns:
        The state the run ends in: finished, or `Paused`.

    Raises:
        JournalError: A step could not be kept; the run is where its journal says.
        StaleRun: Somebody else has moved the run.
    """
    call = Call(run, task, args, kwargs)
    with Runner(clock=call.run.clock) as runner:
        return runner.perform_all([call])[0]


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
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise InvalidArgument(f"an executor has submit(task), {executor!r} has not")
        for name, given in (("lookup", lookup), ("clock", clock)):
            if given is not None and not callable(given):
                raise InvalidArgument(f"a {name} is called, {given!r} cannot be")
        self._workers = workers
        self._own = executor is None
        # A thread whose task timed out cannot be stopped: leave room for the tasks after it.
        self._executor = ThreadPoolExecutor(4 * workers) if executor is None else executor
        self._lookup = lookup
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
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
            InvalidArgument: Something among them is no call, or two are of one run; nothing was
                started.
            KeyboardInterrupt: Passed on, with every run that was under way cancelled.
            Exception: What stopped the first of those that stopped, a `JournalError` or a veto;
                the others went on to their ends.
        """
        trips = self._trips(calls)
        ready, under_way = deque(trips), list[Trip]()
        try:
            while ready or under_way:
                while ready and sum(trip.work is not None for trip in under_way) < self._workers:
                    trip = ready.popleft()
                    trip.go_on(self._executor, self._steady())
                    if not trip.over:
                        under_way.append(trip)
                self._wait(under_way)
                now, steady = self._now(), self._steady()
                answered = [trip for trip in under_way if trip.answered(now, steady)]
                under_way = [trip for trip in under_way if trip not in answered]
                ready.extend(answered)
        except BaseException as error:
            for trip in [*under_way, *ready]:
                trip.abandon(error)
            raise
        for trip in trips:
            if trip.trouble is not None:
                raise trip.trouble
        return [trip.end for trip in trips if trip.end is not None]

    def map(self, run: TaskRun, task: Callable[[Any], Any], inputs: Iterable[Any]) -> State:
        """Map *task* over *inputs*, one child run each; return the state of *run*, `Mapped`.

        Children are called `ID[0]`, `ID[1]` and so on, and share journal, clock and policy of
        *run*. A child that its journal knows goes on from where it was; one that is finished is
        not run again.
        """
        Call(run, task)  # refuses what cannot be
        items = list(inputs)
        children = [_child(run, index) for index in range(len(items))]
        calls = [Call(child, task, (item,)) for child, item in zip(children, items, strict=True)]
        if not isinstance(run.state, Mapped):
            run.map(map_states=[None] * len(items))
        ends = self.perform_all(calls)
        if list(getattr(run.state, "map_states", ())) != ends:
            run.map(map_states=ends)
        return run.state

    def _trips(self, calls: Iterable[Call]) -> list[Trip]:
        seen: set[str] = set()
        trips = []
        for call in calls:
            if not isinstance(call, Call):
                raise InvalidArgument(f"a Call is performed, not {call!r}")
            if call.run.id in seen:
                raise InvalidArgument(f"run {call.run.id!r} is called twice; make another run")
            seen.add(call.run.id)
            trips.append(Trip(call, self._lookup))
        return trips

    def _wait(self, trips: Sequence[Trip]) -> None:
        """Wait for the first of the tasks under way, or for the first time that comes."""
        work = [trip.work for trip in trips if trip.work is not None]
        now, steady = self._now(), self._steady()
        timed = (trip.missing(now, steady) for trip in trips if trip.until is not None)
        missing = min(timed, default=None)
        if not trips or (missing is not None and missing <= 0):
            return
        wait = getattr(self._clock, "wait", None)
        if wait is not None:  # a clock that is turned by hand
            wait(work, missing)
            return
        seconds = _LONGEST_WAIT if missing is None else min(missing, _LONGEST_WAIT)
        if work:
            concurrent.futures.wait(work, seconds, concurrent.futures.FIRST_COMPLETED)
        else:
            time.sleep(seconds)

    def _steady(self) -> float:
        """Seconds on a clock that nobody can set."""
        return float(getattr(self._clock, "steady", time.monotonic)())

    def _now(self) -> pendulum.DateTime:
        if self._clock is None:
            return ambient.now()
        with ambient.clock(self._clock):
            return ambient.now()


def _child(run: TaskRun, index: int) -> TaskRun:
    id, journal = f"{run.id}[{index}]", run.journal
    if isinstance(journal, Claim):  # which is of the parent alone
        journal = journal.journal
    if journal is not None:
        try:
            return type(run).restore(id, journal, clock=run.clock)
        except UnknownRun:
            pass
    return type(run)(id, journal=journal, clock=run.clock, **run.settings())
