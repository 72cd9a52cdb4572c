"""Traffic: how many runs are in each state, how long they stay, and which edges they take."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

import attrs

__all__ = ["EdgeNames", "Passage", "Stay", "Traffic"]

EdgeNames = tuple[str, str, str]  # source, event and dest


class Stay(NamedTuple):
    """The stays of all runs in one state."""

    runs: int = 0  # in the state now
    since: int | None = None  # when the first of those entered it, in microseconds since 1970
    ended: int = 0  # stays that have ended
    micros: int = 0  # total length of the stays that have ended, in microseconds

    @property
    def mean(self) -> float | None:
        """Mean length of the stays that have ended, in microseconds; None if none has."""
        return self.micros / self.ended if self.ended else None


class Passage(NamedTuple):
    """One step of a run, and when the next one was made."""

    run: str
    source: str
    event: str
    dest: str
    micros: int
    left: int | None  # time of the next step; None for the last


@attrs.frozen
class Traffic:
    """How many runs are in each state, how long they stay, and which edges they take.

    A step that stays in its state ends one stay and begins another. The stay before the first step
    of a run is not counted: its beginning is not recorded.
    """

    __module__ = "fsm.journal"

    stays: Mapping[str, Stay]  # by the name of the state
    steps: Mapping[EdgeNames, int]  # how many steps were made along each edge

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return sum(stay.runs for stay in self.stays.values())

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> Self:
        """Count *passages*."""
        stays: dict[str, Stay] = {}
        steps: dict[EdgeNames, int] = {}
        for each in passages:
            edge = each.source, each.event, each.dest
            steps[edge] = steps.get(edge, 0) + 1
            stays[each.dest] = _add(stays.get(each.dest, Stay()), each)
        return cls(stays, steps)


def _add(stay: Stay, passage: Passage) -> Stay:
    if passage.left is None:
        since = passage.micros if stay.since is None else min(stay.since, passage.micros)
        return stay._replace(runs=stay.runs + 1, since=since)
    length = max(0, passage.left - passage.micros)  # a clock may have been set back
    return stay._replace(ended=stay.ended + 1, micros=stay.micros + length)


Stay.__module__ = "fsm.journal"
