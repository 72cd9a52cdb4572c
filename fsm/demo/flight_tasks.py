"""The tasks of the demo. Arguments and results are small; rows are passed on in files."""

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
from .dataset import Dataset
from .faults import Faults
from .flights import Flight, Tally
from .folder import INTERMEDIATE, Folder

__all__ = ["DAYS", "MONTHS", "Tasks"]

MONTHS = tuple(range(1, 13))
DAYS = ("02-08", "07-04", "11-27", "12-31")  # a blizzard, a holiday, a storm, the last

_MEANS = ("mean_departure_delay", "mean_arrival_delay")
_PAGE = 1_000  # planes


@attrs.frozen(eq=False)
class Tasks:
    """The tasks of one generation. They are pickled for other processes."""

    dataset: Dataset
    folder: Folder
    faults: Faults

    def load(self) -> State:
        """Split the year's flights into one file per month; the first attempt fails."""
        self.faults.fail()
        with self.dataset.flights() as rows, ExitStack() as files:
            header = next(rows)
            of_month = header.index("month")
            writers = {}
            for month in MONTHS:
                text = files.enter_context(self.folder.open_new(_raw(month)))
                writers[str(month)] = csv.writer(text)
                writers[str(month)].writerow(header)
            count = 0
            for row in rows:
                writers[row[of_month]].writerow(row)
                count += 1
        return Success(f"{count:,} flights in {len(MONTHS)} files", result={"flights": count})

    def airlines(self) -> State:
        """Look up the names of the airlines; the result is cached in the journal."""
        with self.dataset.table("airlines") as rows:
            next(rows)
            names = {code: name for code, name, *_ in rows}
        return Success(f"{len(names)} airlines", result=names)

    def airports(self) -> State | None:
        """Look up the names of the airports; the first attempt stalls."""
        if self.faults.stall():
            return None  # it has timed out; the result is ignored
        with self.dataset.table("airports") as rows:
            next(rows)
            names = {code: name for code, name, *_ in rows}
        self.folder.write_json("airports.json", names)
        return Success(f"{len(names):,} airports", result={"airports": len(names)})

    def planes(self) -> State:
        """Count the fleet, one page of planes per iteration."""
        page, known = current_run().loop_count, current_run().loop_result
        with self.dataset.table("planes") as rows:
            next(rows)
            found = list(islice(rows, (page - 1) * _PAGE, page * _PAGE))
        fleet = flights.fleet(found, known)
        if len(found) == _PAGE:
            return Looped(result=fleet)
        return Success(f"{fleet['planes']:,} planes on {page} pages", result=fleet)

    def clean(self, month: int) -> State:
        """Keep the columns of a month's rows that are needed, as numbers."""
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
        kept = self._read_clean(month)
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
        """Join a day's flights with the weather; skip the day if none is recorded."""
        month, day = map(int, date.split("-"))
        with self.dataset.table("weather") as rows:
            hours = flights.hours_of_weather(rows, month, day)
        if not hours:
            return Skipped(f"no weather is recorded on 2013-{date}: the records end the day before")
        of_day = [flight for flight in self._read_clean(month) if flight.day == day]
        joined = flights.day_of_weather(of_day, hours)
        message = f"2013-{date}: {joined['wet']:,} of {joined['flights']:,} flights in rain"
        return Success(message, result=joined)

    def check(self, loaded: int, *parts: Sequence[Mapping[str, int]]) -> State:
        """Check that no flight was lost or counted twice between the steps."""
        counts = [sum(month["flights"] for month in part) for part in parts]
        if any(count != loaded for count in counts):
            return ValidationFailed(f"{loaded:,} flights were loaded, but then there are {counts}")
        return Success(f"all {loaded:,} flights are still there")

    def join(self, airlines: Mapping[str, str]) -> State:
        """Add up the months, and look up the names of carriers and destinations."""
        months = [self.folder.json(_tally(month)) for month in MONTHS]
        airports = self.folder.json("airports.json")
        carriers = _add_up(month["carriers"] for month in months)
        dests = _add_up(month["dests"] for month in months)
        nameless = sorted(dests.keys() - airports.keys())
        result = {
            "total": attrs.asdict(flights.total(carriers.values())),
            "carriers": _with_names(carriers, airlines),
            "dests": _with_names(_worst(dests, 5), airports),
        }
        return Success(
            f"{len(carriers)} carriers, {len(dests)} destinations; airports.csv does not know "
            + ", ".join(nameless),
            result=result,
        )

    def publish(self, joined: Mapping[str, Any]) -> State:
        """Write the report; performed once it is approved."""
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
        """Remove the intermediate files."""
        size = self.folder.remove(*INTERMEDIATE)
        return Success(f"{size / 1e6:.0f} MB of intermediate files removed")

    def _read_clean(self, month: int) -> list[Flight]:
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


def _add_up(months: Iterable[Mapping[str, Any]]) -> dict[str, Tally]:
    """Add up the tallies of the months for each name."""
    found: dict[str, list[Tally]] = {}
    for month in months:
        for name, entry in month.items():
            found.setdefault(name, []).append(Tally(**entry))
    return {name: flights.total(tallies) for name, tallies in found.items()}


def _worst(tallies: Mapping[str, Tally], count: int) -> dict[str, Tally]:
    """Return the *count* names with the longest mean arrival delay."""
    late = sorted(tallies, key=lambda name: tallies[name].arrival or 0.0, reverse=True)
    return {name: tallies[name] for name in late[:count]}


def _with_names(tallies: Mapping[str, Tally], names: Mapping[str, str]) -> list[Any]:
    """Return tallies with names, the longest mean departure delay first."""
    late = sorted(tallies, key=lambda code: tallies[code].departure or 0.0, reverse=True)
    return [
        {"code": code, "name": names.get(code, "?"), "tally": attrs.asdict(tallies[code])}
        for code in late
    ]
