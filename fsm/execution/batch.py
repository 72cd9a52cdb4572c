"""Groups of jobs that are performed together, and batches in which some wait for others."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import attrs

from fsm.states import State

from .call import has_ended
from .commands import Answer
from .job import Trip

__all__ = ["Batch", "Group"]


@attrs.define(eq=False)
class Group:
    """Trips that are performed together: those of a batch, or the children of a mapped run."""

    trips: Iterator[Trip]  # made when there is room for them
    at_once: float = math.inf  # how many are executed side by side
    ended: Callable[[Trip], None] = lambda _trip: None  # told of each that has
    answer: Callable[[], Answer] = lambda: None  # what all of them come to
    held: int = 0  # trips that others have to end for first
    starting: deque[Trip] = attrs.field(factory=deque)  # whose time has come
    executed: int = 0
    live: int = 0  # begun, and not at their ends
    parent: Trip | None = None
    _exhausted: bool = False

    def next(self) -> Trip | None:
        """The next trip to go on, if there is one and room for it."""
        if self.executed >= self.at_once:
            return None
        if self.starting:
            return self.starting.popleft()
        trip = None if self._exhausted else next(self.trips, None)
        if trip is None:
            self._exhausted = True
            return None
        trip.group = self
        self.live += 1
        return trip

    def release(self, trip: Trip) -> None:
        """Let a trip that was held go."""
        trip.group = self
        self.held -= 1
        self.live += 1
        self.starting.append(trip)

    def stop(self) -> None:
        """Begin no more of them."""
        self._exhausted = True
        self.held = 0
        self.starting.clear()

    def attend(self) -> float:
        """See to what is not of one trip alone; in how many seconds again, at the latest.

        What it raises ends the performance, as an interrupt does.
        """
        return math.inf

    @property
    def over(self) -> bool:
        """Whether all of them have ended."""
        return self._exhausted and not self.live and not self.held


class Batch:
    """Trips that are performed together, each after those it comes after.

    A trip above which one has not come to its end does not begin: it may later. Nor does one
    begin once the run that they are performed for, if they are, has come to its own.
    """

    def __init__(self, trips: Sequence[Trip]) -> None:
        self._trips = trips
        known = {trip.run.id: trip for trip in trips}
        self._below: dict[Trip, list[Trip]] = {}
        self._waits: dict[Trip, int] = {}  # for how many others, of those that wait
        for trip in trips:
            above = [known[run.id] for run in trip.call.above if run.id in known]
            if above:
                self._waits[trip] = len(above)
            for each in above:
                self._below.setdefault(each, []).append(trip)
        free = [trip for trip in trips if trip not in self._waits]
        self.group = _Held(iter(free), ended=self._ended)
        self.group.held = len(self._waits)

    @property
    def trouble(self) -> Exception | None:
        """What stopped the first of those that were stopped."""
        found = (trip.trouble or trip.below for trip in self._trips)
        return next((trouble for trouble in found if trouble is not None), None)

    def ends(self) -> list[State]:
        """The states that they ended in, in the order of the trips.

        Raises:
            Exception: What stopped the first of those that were stopped.
        """
        if (trouble := self.trouble) is not None:
            raise trouble
        return [trip.run.state if trip.end is None else trip.end for trip in self._trips]

    def _ended(self, trip: Trip) -> None:
        """Let those go that waited for this one alone; leave those it keeps from ever going."""
        if self.group.parent is not None and has_ended(self.group.parent.run.state):
            self.group.stop()
            return
        left = [(trip, trip.trouble is None and has_ended(trip.run.state))]
        while left:
            above, ended = left.pop()
            for below in self._below.get(above, ()):
                self._waits[below] -= 1
                if not ended:
                    below.end = below.run.state
                if self._waits[below] == 0 and below.end is None:
                    self.group.release(below)
                elif self._waits[below] == 0:
                    self.group.held -= 1
                    left.append((below, False))


class _Held(Group):
    """Trips of which some are held until others have ended."""

    def stop(self) -> None:
        """Begin no more of them, nor those that were let go and have not begun."""
        self.live -= sum(not trip.turn for trip in self.starting)
        super().stop()
