"""Group: trips that are performed together, and which of them is next."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

import attrs

from .commands import Answer
from .job import Trip

__all__ = ["Group"]


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
