"""Batch: calls that are performed together, each after those it comes after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from states import State

from .scheduler import Group
from .trip import Trip

__all__ = ["Batch"]


class Batch:
    """Trips that are performed together, each after those it comes after.

    A trip above which one has not come to a finished state does not begin: it may later.
    """

    def __init__(self, trips: Sequence[Trip]) -> None:
        self._trips = trips
        known = {trip.run.id: trip for trip in trips}
        self._below: dict[Trip, list[Trip]] = {}
        self._waits: dict[Trip, int] = {}
        for trip in trips:
            above = [known[run.id] for run in trip.call.above if run.id in known]
            self._waits[trip] = len(above)
            for each in above:
                self._below.setdefault(each, []).append(trip)
        self.group = Group(self._free(), ended=self._ended)
        self.group.held = sum(count > 0 for count in self._waits.values())

    def ends(self) -> list[State]:
        """The states that they ended in, in the order of the trips.

        Raises:
            Exception: What stopped the first of those that were stopped.
        """
        for trip in self._trips:
            if (trouble := trip.trouble or trip.below) is not None:
                raise trouble
        return [trip.run.state if trip.end is None else trip.end for trip in self._trips]

    def _free(self) -> Iterator[Trip]:
        """Those that come after nothing; the list may have grown meanwhile, not those in it."""
        return iter([trip for trip in self._trips if not self._waits[trip]])

    def _ended(self, trip: Trip) -> None:
        """Let those go that waited for this one alone; leave those it keeps from ever going."""
        left = [(trip, trip.run.state.is_finished() and trip.trouble is None)]
        while left:
            above, finished = left.pop()
            for below in self._below.get(above, ()):
                self._waits[below] -= 1
                if not finished:
                    below.end = below.run.state
                if self._waits[below] == 0 and below.end is None:
                    self.group.release(below)
                elif self._waits[below] == 0:
                    self.group.held -= 1
                    left.append((below, False))
