"""The tables that the demo prints at its end: the figures, and the runs with their states."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fsm.states import Paused, Running, State
from fsm.text import as_label

from .flight_tasks import DAYS
from .flights import Tally
from .progress import light, short_name, words

if TYPE_CHECKING:
    from fsm.tasks.task_run import TaskRun

__all__ = ["figures", "runs_table"]

_FIGURES = (">Flights", ">Cancelled", ">Departure", ">Arrival")


def figures(runs: Mapping[str, TaskRun]) -> Iterable[RenderableType]:
    """Return the delays: in total, per carrier, at the worst destinations, and on some days."""
    joined = runs["join"].state.result
    fleet = runs["planes"].state.result
    total = Tally(**joined["total"])
    maker = max(fleet["makers"], key=fleet["makers"].__getitem__)
    yield Text(
        f"\n{total.flights:,} flights left New York in 2013; {total.cancelled:,} were cancelled, "
        f"{total.diverted:,} diverted.\nThe planes known of were built in "
        f"{fleet['years'] / fleet['dated']:.0f} on average, "
        f"{fleet['makers'][maker]:,} of {fleet['planes']:,} by {maker.title()}.\n"
    )
    yield _delays("Airline", joined["carriers"], total)
    yield Text()
    yield _delays("The most delayed destinations", joined["dests"])
    yield Text()
    yield _days(runs["weather"].state.result)


def runs_table(runs: Sequence[TaskRun], id: str) -> Table:
    """Return a table of the runs; children of a mapped run that ended alike share a row."""
    table = _table("Run", "State", ">Attempts", ">Took", "Message")
    for _, group in itertools.groupby(_in_order(runs), key=_alike):
        same = list(group)
        first, last = same[0], same[-1]
        name, message = short_name(first.id, id), words(first.state.message)
        if len(same) > 1:
            name = f"{name}..{last.id[last.id.rindex('[') :]}"
            message = f"{len(same)} runs; the time is that of the slowest"
        if first.rescues:
            message = f"{message} (its worker was lost; rescues: {first.rescues})"
        table.add_row(
            Text(as_label(name)),
            light(first.state),
            Text(str(max(run.attempts for run in same) or "")),
            Text(f"{max(map(_duration, same)) / 1e6:.2f} s"),
            Text(as_label(message)),
        )
    return table


def _delays(title: str, rows: Sequence[Any], total: Tally | None = None) -> Table:
    table = _table(title, *_FIGURES)
    for row in rows:
        table.add_row(
            Text(as_label(f"{row['code']} {row['name']}")), *_cells(Tally(**row["tally"]))
        )
    if total is not None:
        table.add_section()
        table.add_row(Text("all, mean delay in minutes"), *_cells(total))
    return table


def _days(days: Sequence[Mapping[str, int] | None]) -> Table:
    table = _table(
        "Days to remember", ">Flights", ">Cancelled", ">Departure", ">Arrival", ">In rain"
    )
    for date, day in zip(DAYS, days, strict=True):
        if day is None:
            table.add_row(Text(f"2013-{date}, no weather known"), *[Text("-")] * 5)
        else:
            sums = Tally(**{field.name: day[field.name] for field in attrs.fields(Tally)})
            table.add_row(Text(f"2013-{date}"), *_cells(sums), Text(f"{day['wet']:,}"))
    return table


def _cells(sums: Tally) -> tuple[Text, ...]:
    delays = (f"{mean:.2f}" if mean is not None else "-" for mean in (sums.departure, sums.arrival))
    return tuple(map(Text, (f"{sums.flights:,}", f"{sums.cancelled:,}", *delays)))


def _table(*columns: str) -> Table:
    """Return a table without frames; `>` before a title aligns the column right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        right = column.startswith(">")
        folds = column == columns[-1] and not right
        table.add_column(
            Text(column.lstrip(">")), justify="right" if right else "left", no_wrap=not folds
        )
    return table


def _in_order(runs: Iterable[TaskRun]) -> list[TaskRun]:
    """Sort runs as they began, with the children of a mapped run behind it, by index."""
    listed = list(runs)
    place = {run.id: place for place, run in enumerate(listed)}
    return sorted(listed, key=lambda run: (place[_parent(run.id)], _index(run.id)))


def _alike(run: TaskRun) -> tuple[str, type[State], int]:
    name = _parent(run.id) if _index(run.id) >= 0 else run.id
    return name, type(run.state), run.rescues


def _parent(id: str) -> str:
    return re.sub(r"\[\d+\]$", "", id)


def _index(id: str) -> int:
    """Return the index of a child; -1 for other runs."""
    found = re.search(r"\[(\d+)\]$", id)
    return int(found[1]) if found else -1


def _duration(run: TaskRun) -> int:
    """Return how many microseconds a run was Running; if never, the time between its steps.

    An attempt that ended in a pause is not counted: it was interrupted at an unknown time.
    """
    steps = run.history
    running = [
        after.micros - step.micros
        for step, after in itertools.pairwise(steps)
        if isinstance(step.dest, Running) and not isinstance(after.dest, Paused)
    ]
    return sum(running) if running else steps[-1].micros - steps[0].micros
