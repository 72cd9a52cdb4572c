"""Flights: read, counted and averaged by pure functions on rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

import attrs

__all__ = [
    "Flight",
    "Tally",
    "clean",
    "day_of_weather",
    "fleet",
    "hours_of_weather",
    "parse",
    "tally",
    "total",
]

_COLUMNS = ("month", "day", "hour", "carrier", "origin", "dest", "dep_delay", "arr_delay")


class Flight(NamedTuple):
    """One flight as planned, and its delays in minutes; None where it did not depart or arrive."""

    month: int
    day: int
    hour: int  # scheduled departure, local time
    carrier: str
    origin: str
    dest: str
    dep_delay: int | None
    arr_delay: int | None


@attrs.frozen
class Tally:
    """How many flights there were, and the sums of their delays in minutes."""

    flights: int = 0
    cancelled: int = 0  # did not depart
    diverted: int = 0  # departed, but no arrival delay is recorded
    departure_minutes: int = 0
    arrival_minutes: int = 0

    @property
    def departure(self) -> float | None:
        """The mean departure delay of those that departed, in minutes."""
        departed = self.flights - self.cancelled
        return self.departure_minutes / departed if departed else None

    @property
    def arrival(self) -> float | None:
        """The mean arrival delay of those that arrived, in minutes."""
        arrived = self.flights - self.cancelled - self.diverted
        return self.arrival_minutes / arrived if arrived else None


def clean(rows: Iterator[list[str]]) -> Iterator[Flight]:
    """Return the flights of a table with a header.

    Raises:
        ValueError: A column is missing, or a value is neither a number nor NA.
    """
    header = next(rows, [])
    take = itemgetter(*(header.index(column) for column in _COLUMNS))
    return (_flight(*take(row)) for row in rows)


def parse(rows: Iterable[list[str]]) -> Iterator[Flight]:
    """Return the flights of CSV rows that `clean` produced, without a header."""
    return (_flight(*row) for row in rows)


def tally(flights: Iterable[Flight], key: Callable[[Flight], str]) -> dict[str, Tally]:
    """Count flights and add up their delays, grouped by *key*."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(attrs.fields(Tally)))
    for flight in flights:
        row = sums[key(flight)]
        row[0] += 1
        if flight.dep_delay is None:
            row[1] += 1
            continue
        row[3] += flight.dep_delay
        if flight.arr_delay is None:
            row[2] += 1
        else:
            row[4] += flight.arr_delay
    return {name: Tally(*row) for name, row in sums.items()}


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up tallies."""
    rows = [attrs.astuple(each) for each in tallies]
    return Tally(*map(sum, zip(*rows, strict=True)))


def hours_of_weather(
    rows: Iterator[list[str]], month: int, day: int
) -> dict[tuple[str, int], float]:
    """Return the rain of a day in inches by airport and hour, where it is recorded."""
    header = next(rows, [])
    take = itemgetter(*map(header.index, ("month", "day", "origin", "hour", "precip")))
    wanted = (str(month), str(day))
    taken = (take(row) for row in rows)
    return {
        (origin, int(hour)): 0.0 if rain == "NA" else float(rain)
        for *date, origin, hour, rain in taken
        if tuple(date) == wanted
    }


def day_of_weather(
    flights: Iterable[Flight], hours: Mapping[tuple[str, int], float]
) -> dict[str, Any]:
    """Count a day's flights whose weather is recorded, and those of them with rain."""
    known = [flight for flight in flights if (flight.origin, flight.hour) in hours]
    wet = sum(hours[flight.origin, flight.hour] > 0 for flight in known)
    return {**attrs.asdict(total(tally(known, lambda _: "").values())), "wet": wet}


def fleet(rows: Iterable[list[str]], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Count planes and their makers and add up the years they were built, on top of *known*."""
    known = known or {"planes": 0, "dated": 0, "years": 0, "makers": {}}
    page = [(row[1], row[3]) for row in rows]
    years = [int(year) for year, _ in page if year != "NA"]
    makers = Counter(known["makers"])
    makers.update(maker for _, maker in page)
    return {
        "planes": known["planes"] + len(page),
        "dated": known["dated"] + len(years),
        "years": known["years"] + sum(years),
        "makers": dict(makers),
    }


def _flight(
    month: str, day: str, hour: str, carrier: str, origin: str, dest: str, *delays: str
) -> Flight:
    dep_delay, arr_delay = (None if each in ("", "NA") else int(each) for each in delays)
    return Flight(int(month), int(day), int(hour), carrier, origin, dest, dep_delay, arr_delay)
