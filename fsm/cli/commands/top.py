"""`fsm top`: the runs of a journal by state, refreshed every second."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fsm.cli.options import journal_option, open_existing
from fsm.cli.printing import console, json_option, light, put_json
from fsm.cli.terminal import SUSPEND, exit_on_signals, read_keys, suspend
from fsm.journal import Summary
from fsm.journal.phase import FAILED, RUNNING
from fsm.states import State, ambient
from fsm.text import escape

if TYPE_CHECKING:
    from fsm.web import Snapshot, Watch

__all__ = ["top"]

_MOST = 10  # runs in a list
_WIDE = 60  # columns from which messages are shown
_ROOMY = 40  # columns from which the key that ends it is shown
_NAME = 40  # a name is not cut to fewer columns where messages are shown
# Includes Ctrl-C and Ctrl-D, for terminals that do not turn them into signals.
_ENDS = frozenset(f"qQ\x03\x04{SUSPEND}")
_SIZES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def _check_number(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if math.isnan(value):  # a range does not reject it
        raise click.BadParameter("nan is not a number of seconds")
    return value


@click.command(
    help="""Show how many runs are in each state, which run longest, and which failed last.

    q or Ctrl-C ends it. If the journal disappears, it waits for it.
    """,
    epilog="\b\nExamples:\n  fsm top --journal runs.db\n  fsm top --journal runs.db --once",
)
@journal_option()
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    callback=_check_number,
    metavar="SECONDS",
    help="Time between two reads of the journal.",
)
@click.option("--once", is_flag=True, help="Print it once and exit.")
@json_option("trouble", "total", "states", "running", "failed", lead="once, an object with")
def top(url: str, interval: float, once: bool, as_json: bool) -> None:
    from fsm.web import Source, Watch

    with open_existing(url):
        pass
    source = Source(partial(open_existing, url))
    watch, screen = Watch(source), console()
    try:
        if as_json:
            put_json(_as_data(watch.look(), ambient.micros()))
        elif once or not screen.is_terminal or screen.is_dumb_terminal:
            screen.print(_render(watch.look(), ambient.micros()))
        else:
            with suppress(KeyboardInterrupt), exit_on_signals():
                while SUSPEND in _follow(watch, screen, interval):
                    suspend()
    finally:
        source.close()


def _follow(watch: Watch, screen: Console, interval: float) -> set[str]:
    """Refresh the screen until a key ends it; return the keys that were pressed."""
    with read_keys() as pressed, Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            view = _render(watch.look(), ambient.micros(), screen.size)
            live.update(view, refresh=True)
            if _ENDS & (found := set(pressed(interval))):
                return found


def _list_running(snapshot: Snapshot) -> list[Summary]:
    """Return the runs that are running, the longest first."""
    running = (run for run in snapshot.runs if run.phase == RUNNING)
    return sorted(running, key=lambda run: (run.moved, run.run))[:_MOST]


def _list_failed(snapshot: Snapshot) -> list[Summary]:
    """Return the runs that have failed, the latest first."""
    failed = (run for run in snapshot.runs if run.phase == FAILED)
    return sorted(failed, key=lambda run: (-run.moved, run.run))[:_MOST]


def _as_data(snapshot: Snapshot, now: int) -> dict[str, Any]:
    return {
        "trouble": snapshot.trouble,
        "total": len(snapshot.runs),
        "states": dict(snapshot.counts.most_common()),
        "running": [_line(run, now) for run in _list_running(snapshot)],
        "failed": [_line(run, now) | {"message": run.message} for run in _list_failed(snapshot)],
    }


def _line(run: Summary, now: int) -> dict[str, Any]:
    return {"run": run.run, "state": run.state, "seconds": max(0, now - run.moved) / 1e6}


def _render(snapshot: Snapshot, now: int, size: ConsoleDimensions | None = None) -> RenderableType:
    """Render the screen, in no more lines than fit into *size*."""
    head = Text(f"{len(snapshot.runs):,} runs", "bold")
    if size is not None and size.width >= _ROOMY:
        head.append("   q to quit", "not bold dim")
    parts: list[RenderableType] = [head]
    if snapshot.trouble is not None:
        parts.insert(
            0, Text(f"cannot read the journal now: {escape(snapshot.trouble)}", "bold red")
        )
    parts.append(_render_counts(snapshot))
    lists = [("running", _list_running(snapshot)), ("failed", _list_failed(snapshot))]
    found = [(title, runs) for title, runs in lists if runs]
    wide = size is None or size.width >= _WIDE
    most = _MOST if size is None else _share(parts, size, len(found))
    for title, runs in found if most > 0 else ():
        parts += [Text(f"\n{title}", "bold"), _render_list(runs[:most], now, wide=wide)]
    return Group(*parts)


def _share(parts: Iterable[RenderableType], size: ConsoleDimensions, lists: int) -> int:
    """Return how many runs fit into each list, below *parts*, a blank line and a title."""
    measure = Console(width=size.width)
    above = sum(len(measure.render_lines(part)) for part in parts)
    return min(_MOST, (size.height - above) // max(lists, 1) - 2)


def _render_counts(snapshot: Snapshot) -> Columns:
    """Render the states side by side, those with most runs first."""
    colors = {cls.__name__: cls.color for cls in State.children()}
    states = [
        Text.assemble(light(colors.get(state)), f" {escape(state)} ", (f"{count:,}", "bold"))
        for state, count in snapshot.counts.most_common()
    ]
    return Columns(states, padding=(0, 3))


def _render_list(runs: list[Summary], now: int, *, wide: bool) -> Table:
    ages = [_age(now - run.moved) for run in runs]
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True, min_width=max(map(len, ages)))
    longest = max(cell_len(escape(run.run)) for run in runs)
    table.add_column(
        no_wrap=True, overflow="ellipsis", min_width=min(longest, _NAME) if wide else None
    )
    if wide:  # the message is cut before the name is
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for age, run in zip(ages, runs, strict=True):
        cells = age, escape(run.run), escape(run.message or "")
        table.add_row(*map(Text, cells[: len(table.columns)]))
    return table


def _age(micros: int) -> str:
    """Format a span by its two largest units: `3 h 20 m`."""
    left, parts = max(0, micros) // 1_000_000, []
    for size, letter in _SIZES:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {letter}")
    return " ".join(parts[:2]) or "0 s"
