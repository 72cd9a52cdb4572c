"""Tasks: what the runs of the demo do. Each takes and returns small things; rows go to files."""

from __future__ import annotations

import calendar
import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

import attrs

from fsm.execution.context import current_run
from fsm.states import Looped, Skipped, State, Success, ValidationFailed

from . import flights
from .faults import Faults
from .flights import Flight, Tally
from .folder import ON_THE_WAY, Folder
from .source import Source

__all__ = ["DAYS", "MONTHS", "Tasks"]

MONTHS = tuple(range(1, 13))
DAYS = ("02-08", "07-04", "11-27", "12-31")  # a blizzard, a holiday, a storm, the last

_MEANS = ("mean_departure_delay", "mean_arrival_delay")
_PAGE = 1_000  # planes


@attrs.frozen(eq=False)
class Tasks:
    """The tasks of one generation, on its source and its folder. They travel to other processes."""

    source: Source
    folder: Folder
    faults: Faults

    def load(self) -> State:
        """Split the year's flights into a file a month; the first attempt fails."""
        self.faults.fail()
        with self.source.flights() as rows, ExitStack() as files:
            header = next(rows)
            of_month = header.index("month")
            writers = {}
            for month in MONTHS:
                text = files.enter_context(self.folder.writing(_raw(month)))
                writers[str(month)] = csv.writer(text)
                writers[str(month)].writerow(header)
            count = 0
            for row in rows:
                writers[row[of_month]].writerow(row)
                count += 1
        return Success(f"{count:,} flights in {len(MONTHS)} files", result={"flights": count})

    def airlines(self) -> State:
        """Look up the names of the airlines: small, asked for every time, so kept in the cache."""
        with self.source.table("airlines") as rows:
            next(rows)
            names = {code: name for code, name, *_ in rows}
        return Success(f"{len(names)} airlines", result=names)

    def airports(self) -> State | None:
        """Look up the names of the airports; the first attempt stalls."""
        if self.faults.stall():
            return None  # nobody listens any more: it has timed out
        with self.source.table("airports") as rows:
            next(rows)
            names = {code: name for code, name, *_ in rows}
        self.folder.write_json("airports.json", names)
        return Success(f"{len(names):,} airports", result={"airports": len(names)})

    def planes(self) -> State:
        """Count the fleet, a page of planes at a time."""
        page, known = current_run().loop_count, current_run().loop_result
        with self.source.table("planes") as rows:
            next(rows)
            found = list(islice(rows, (page - 1) * _PAGE, page * _PAGE))
        fleet = flights.fleet(found, known)
        if len(found) == _PAGE:
            return Looped(result=fleet)
        return Success(f"{fleet['planes']:,} planes on {page} pages", result=fleet)

    def clean(self, month: int) -> State:
        """Keep of a month's rows the columns we need, as numbers."""
        with self.folder.rows(_raw(month)) as rows:
            kept = list(flights.clean(rows))
        self.faults.die()
        self.folder.write_rows(_clean(month), kept)
        cancelled = sum(flight.dep_delay is None for flight in kept)
        return Success(
            f"{calendar.month_name[month]}: {len(kept):,} flights, {cancelled:,} cancelled",
            result={"flights": len(kept), "cancelled": cancelled},
        )

    def tally(self, month: int) -> State:
        """Count a month's flights and delays per carrier and per destination."""
        kept = self._cleaned(month)
        carriers = flights.tally(kept, lambda flight: flight.carrier)
        tables = {"carriers": carriers, "dests": flights.tally(kept, lambda flight: flight.dest)}
        self.folder.write_json(
            _tally(month), {name: _as_data(table) for name, table in tables.items()}
        )
        return Success(
            f"{calendar.month_name[month]}: {len(carriers)} carriers",
            result={"flights": flights.total(carriers.values()).flights},
        )

    def weather(self, date: str) -> State:
        """Join a day's flights with the weather; there may be none."""
        month, day = map(int, date.split("-"))
        with self.source.table("weather") as rows:
            hours = flights.hours_of_weather(rows, month, day)
        if not hours:
            return Skipped(f"no weather is recorded on 2013-{date}: the records end the day before")
        of_day = [flight for flight in self._cleaned(month) if flight.day == day]
        joined = flights.day_of_weather(of_day, hours)
        message = f"2013-{date}: {joined['wet']:,} of {joined['flights']:,} flights in rain"
        return Success(message, result=joined)

    def check(self, loaded: int, *parts: Sequence[Mapping[str, int]]) -> State:
        """See that no flight was lost or counted twice between the steps."""
        counts = [sum(month["flights"] for month in part) for part in parts]
        if any(count != loaded for count in counts):
            return ValidationFailed(f"{loaded:,} flights were loaded, but then there are {counts}")
        return Success(f"all {loaded:,} flights are still there")

    def join(self, airlines: Mapping[str, str]) -> State:
        """Add the months up, and give carriers and destinations their names."""
        months = [self.folder.json(_tally(month)) for month in MONTHS]
        airports = self.folder.json("airports.json")
        carriers = _added(month["carriers"] for month in months)
        dests = _added(month["dests"] for month in months)
        nameless = sorted(dests.keys() - airports.keys())
        result = {
            "total": attrs.asdict(flights.total(carriers.values())),
            "carriers": _named(carriers, airlines),
            "dests": _named(_worst(dests, 5), airports),
        }
        return Success(
            f"{len(carriers)} carriers, {len(dests)} destinations; airports.csv does not know "
            + ", ".join(nameless),
            result=result,
        )

    def publish(self, joined: Mapping[str, Any]) -> State:
        """Write the report, once it is approved."""
        header = ["carrier", "airline", "flights", "cancelled", "diverted", *_MEANS]
        rows = [header]
        for carrier in joined["carriers"]:
            sums = Tally(**carrier["tally"])
            counts = [sums.flights, sums.cancelled, sums.diverted]
            means = (sums.departure, sums.arrival)
            delays = ["" if mean is None else f"{mean:.4f}" for mean in means]
            rows.append([carrier["code"], carrier["name"], *map(str, counts), *delays])
        self.folder.write_rows("report.csv", rows)
        return Success(f"report.csv: {len(rows) - 1} carriers")

    def tidy(self) -> State:
        """Remove the files that were only steps on the way."""
        size = self.folder.remove(*ON_THE_WAY)
        return Success(f"{size / 1e6:.0f} MB of intermediate files removed")

    def _cleaned(self, month: int) -> list[Flight]:
        with self.folder.rows(_clean(month)) as rows:
            return list(flights.parse(rows))


def _raw(month: int) -> str:
    return f"raw-{month:02}.csv"


def _clean(month: int) -> str:
    return f"clean-{month:02}.csv"


def _tally(month: int) -> str:
    return f"tally-{month:02}.json"


def _as_data(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    return {name: attrs.asdict(each) for name, each in tallies.items()}


def _added(months: Iterable[Mapping[str, Any]]) -> dict[str, Tally]:
    """Add up what the months say of each name."""
    found: dict[str, list[Tally]] = {}
    for month in months:
        for name, entry in month.items():
            found.setdefault(name, []).append(Tally(**entry))
    return {name: flights.total(tallies) for name, tallies in found.items()}


def _worst(tallies: Mapping[str, Tally], count: int) -> dict[str, Tally]:
    """The *count* with the longest mean arrival delay."""
    late = sorted(tallies, key=lambda name: tallies[name].arrival or 0.0, reverse=True)
    return {name: tallies[name] for name in late[:count]}


def _named(tallies: Mapping[str, Tally], names: Mapping[str, str]) -> list[Any]:
    """Join with the names, the latest to depart first."""
    late = sorted(tallies, key=lambda code: tallies[code].departure or 0.0, reverse=True)
    return [
        {"code": code, "name": names.get(code, "?"), "tally": attrs.asdict(tallies[code])}
        for code in late
    ]
