"""Scheduler: which trips go on now, and what the others wait for. One thread decides."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable

from fsm.errors import LifecycleError
from fsm.execution.pools.base import Pool
from fsm.run.run import Clock
from fsm.states import ambient, moment

from .batch import Group
from .commands import Answer, Children, Execute, Expired, Settled, Wait
from .job import Trip

__all__ = ["Scheduler"]

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0  # seconds until the wall clock is looked at again: it may have been set
_LOOK = 1.0  # seconds until the journal is: somebody may have cancelled what is executed


class Scheduler:
    """Takes trips to their ends, as many executed side by side as there are workers.

    Args:
        children: Makes the group of the children that a mapped trip wishes for.
        clock: Whose time to wait by; the system's if None. One that has `wait` is waited by.
    """

    def __init__(
        self,
        pool: Pool,
        workers: int,
        clock: Clock | None,
        children: Callable[[Trip, Children], Group],
    ) -> None:
        self._pool, self._workers, self._clock, self._children = pool, workers, clock, children
        self._groups: list[Group] = []
        self._live: dict[Trip, None] = {}
        self._executed: dict[Trip, None] = {}
        self._answered: deque[tuple[Trip, Answer]] = deque()
        self._done: queue.SimpleQueue[tuple[Trip | None, int]] = queue.SimpleQueue()
        # Times: when, a number that makes entries differ, for whom, in which turn of theirs. By
        # the wall clock in microseconds; by the steady one in seconds, of those the wall lets go.
        self._wall: list[tuple[int, int, Trip, int, float]] = []
        self._steady: list[tuple[float, int, Trip, int, int]] = []
        self._number = itertools.count()
        self._looked = 0.0

    def perform(self, group: Group) -> None:
        """Take all trips of *group* to their ends.

        Raises:
            BaseException: What interrupted it; every run under way is left in a named state.
        """
        self._groups.append(group)
        self._looked = self._passed()
        try:
            while self._go():
                watched = self._watched()
                self._wait(_LOOK if watched else _LONGEST_WAIT)
                self._finish()
                if self._wall or self._steady:
                    self._wake()
                if watched:
                    self._look(watched)
        except BaseException as error:
            for trip in tuple(self._live):
                trip.abandon(error)
            self._pool.stop()
            raise

    def wake(self) -> None:
        """Wait no longer, but attend to all groups: for a signal handler, or another thread."""
        self._done.put((None, 0))

    def _go(self) -> bool:
        """Let trips go on while they can; whether any is left."""
        while True:
            if self._answered:
                trip, answer = self._answered.popleft()
            else:
                free = self._next() if len(self._executed) < self._workers else None
                if free is None:
                    return bool(self._groups)
                trip, answer = free, None
                self._live[trip] = None
            trip.go_on(answer, self._pool)
            self._place(trip)

    def _next(self) -> Trip | None:
        """A trip for which there is a worker; of the latest group first: children before more."""
        for group in reversed(self._groups):
            trip = group.next()
            if trip is not None:
                return trip
            if group.over:
                self._close(group)
                return self._next() if not self._answered else None
        return None

    def _place(self, trip: Trip) -> None:
        """Put a trip where what it waits for will find it."""
        wish, turn, group = trip.wish, trip.turn, trip.group
        if trip.over:
            del self._live[trip]
            group.live -= 1
            group.ended(trip)
            if group.over:
                self._close(group)
        elif isinstance(wish, Execute):
            assert trip.work is not None, "what is executed is under way"
            self._executed[trip] = None
            group.executed += 1
            if wish.deadline is not None and trip.work.deadline_is_ours:
                self._set(trip, moment.to_micros(wish.deadline), 0.0)
            trip.work.future.add_done_callback(lambda _: self._done.put((trip, turn)))
        elif isinstance(wish, Wait):
            self._set(trip, moment.to_micros(wish.until), self._passed() + wish.at_least)
        elif isinstance(wish, Children):
            children = self._children(trip, wish)
            children.parent = trip
            self._groups.append(children)

    def _set(self, trip: Trip, micros: int, earliest: float) -> None:
        heapq.heappush(self._wall, (micros, next(self._number), trip, trip.turn, earliest))

    def _close(self, group: Group) -> None:
        self._groups.remove(group)
        if group.parent is not None and not group.parent.over:
            self._answered.append((group.parent, group.answer()))

    # Waiting.

    def _wait(self, longest: float) -> None:
        """Wait for the first of the tasks under way, or for the first time that comes."""
        for group in self._groups:
            longest = min(longest, group.attend())
        seconds = self._missing()
        if self._answered or (seconds is not None and seconds <= 0):
            return
        by_hand = getattr(self._clock, "wait", None)
        if by_hand is not None:  # a clock that is turned
            by_hand([trip.work.future for trip in self._executed if trip.work], seconds)
            return
        try:
            done = self._done.get(timeout=longest if seconds is None else min(seconds, longest))
        except queue.Empty:
            return
        self._end(*done)

    def _missing(self) -> float | None:
        """Seconds until time moves a trip; None if it moves none. To the microsecond: less than
        that no clock of ours can be turned by."""
        times = []
        if self._wall:
            times.append((self._wall[0][0] - self._now()) / 1e6)
        if self._steady:
            times.append(self._steady[0][0] - self._passed())
        return round(min(times), 6) if times else None

    def _finish(self) -> None:
        """Take the answers of what is done."""
        while not self._done.empty():  # nobody else takes from it
            self._end(*self._done.get())

    def _end(self, trip: Trip | None, turn: int) -> None:
        if trip is None or trip.turn != turn or trip not in self._executed:
            return  # it was not waited for any more
        try:
            answer = trip.answered()
        except Exception as trouble:  # its history cannot be read: the other trips go on
            del self._executed[trip]
            trip.group.executed -= 1
            trip.trouble = trouble
            self._place(trip)
        else:
            self._answer(trip, answer)

    def _answer(self, trip: Trip, answer: Answer) -> None:
        del self._executed[trip]
        trip.group.executed -= 1
        self._answered.append((trip, answer))

    def _wake(self) -> None:
        """Let those go on whose time has come by both clocks."""
        now, passed = self._now(), self._passed()
        while self._wall and self._wall[0][0] <= now:
            _, number, trip, turn, earliest = heapq.heappop(self._wall)
            if trip.turn != turn or trip.over:
                continue
            if trip in self._executed:
                trip.give_up()
                self._answer(trip, Expired())
            elif round(earliest - passed, 6) > 0:
                until = moment.to_micros(trip.wish.until) if isinstance(trip.wish, Wait) else 0
                heapq.heappush(self._steady, (earliest, number, trip, turn, until))
            else:
                trip.group.starting.append(trip)
        while self._steady and round(self._steady[0][0] - passed, 6) <= 0:
            earliest, number, trip, turn, until = heapq.heappop(self._steady)
            if trip.turn != turn or trip.over:
                continue
            if until > now:  # the wall clock was set back meanwhile
                heapq.heappush(self._wall, (until, number, trip, turn, earliest))
            else:
                trip.group.starting.append(trip)

    # What others do.

    def _watched(self) -> list[Trip]:
        """The trips whose runs somebody else may move, as far as we can wait for that."""
        if getattr(self._clock, "wait", None) is not None:
            return []
        under_way = (*self._executed, *(group.parent for group in self._groups if group.parent))
        return [trip for trip in under_way if trip.run.journal is not None]

    def _look(self, watched: Iterable[Trip]) -> None:
        """See, once a second, whether others have moved what is executed here."""
        passed = self._passed()
        if passed - self._looked < _LOOK:
            return
        self._looked = passed
        for trip in watched:
            try:
                moved = trip.moved()
            except LifecycleError as error:  # the journal may come back
                logger.warning("run %s: cannot look whether it has moved: %s", trip.run.id, error)
                continue
            if moved and trip in self._executed:
                trip.give_up()
                self._answer(trip, Settled())
            elif moved:
                self._stop_children(trip)

    def _stop_children(self, parent: Trip) -> None:
        """The parent is cancelled, and so are its children."""
        for group in [group for group in self._groups if group.parent is parent]:
            group.stop()
            for trip in [trip for trip in self._live if trip.group is group]:
                trip.abandon(KeyboardInterrupt())
                trip.end = trip.run.state
                if trip in self._executed:
                    del self._executed[trip]
                    group.executed -= 1
                self._place(trip)
            if group in self._groups and group.over:
                self._close(group)

    # Clocks.

    def _passed(self) -> float:
        """Seconds on a clock that nobody can set."""
        return float(getattr(self._clock, "steady", time.monotonic)())

    def _now(self) -> int:
        if self._clock is None:
            return ambient.micros()
        with ambient.clock(self._clock):
            return ambient.micros()
