"""Traffic: how many runs are where, how long they stayed there, and which ways they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

import attrs

__all__ = ["Passage", "Stay", "Traffic", "Way"]

Way = tuple[str, str, str]  # source, event and dest, by name


class Stay(NamedTuple):
    """How it was in one state, for all the runs that were there."""

    runs: int = 0  # there now
    since: int | None = None  # when the first of those came, in microseconds since 1970
    ended: int = 0  # how often a run that had come there left it again
    micros: int = 0  # how long those stays were, together

    @property
    def mean(self) -> float | None:
        """How long a stay was on average, in microseconds; None where none has ended."""
        return self.micros / self.ended if self.ended else None


class Passage(NamedTuple):
    """One step of one run, as far as traffic goes, and when the next one was."""

    run: str
    source: str
    event: str
    dest: str
    micros: int
    left: int | None  # None where it is the last


@attrs.frozen
class Traffic:
    """How many runs are where, how long they stayed there, and which ways they took.

    A step that stays in its state ends one stay and begins another. What a run was before its
    first step nobody has timed.
    """

    stays: Mapping[str, Stay]  # by the name of the state
    ways: Mapping[Way, int]  # how many steps were made each way

    @property
    def runs(self) -> int:
        """How many there are."""
        return sum(stay.runs for stay in self.stays.values())

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> Self:
        """Count *passages*."""
        stays: dict[str, Stay] = {}
        ways: dict[Way, int] = {}
        for each in passages:
            way = each.source, each.event, each.dest
            ways[way] = ways.get(way, 0) + 1
            stays[each.dest] = _with(stays.get(each.dest, Stay()), each)
        return cls(stays, ways)


def _with(stay: Stay, passage: Passage) -> Stay:
    if passage.left is None:
        since = passage.micros if stay.since is None else min(stay.since, passage.micros)
        return stay._replace(runs=stay.runs + 1, since=since)
    lasted = max(0, passage.left - passage.micros)  # a clock may have been set back
    return stay._replace(ended=stay.ended + 1, micros=stay.micros + lasted)
