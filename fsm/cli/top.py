"""top: how the runs of a journal stand, again and again."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fsm.journal import Summary
from fsm.journal.phase import FAILED, RUNNING
from states import State, ambient

from .journal import existing, journal_option
from .screen import console, light, put_json, shown

if TYPE_CHECKING:
    from fsm.page import Snapshot

__all__ = ["top"]

_MOST = 10  # runs of a list
_SIZES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


@click.command(
    epilog="\b\nExamples:\n  fsm top --journal runs.db\n  fsm top --journal runs.db --once"
)
@journal_option()
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, once.")
def top(url: str, interval: float, once: bool, as_json: bool) -> None:
    """Show how many runs are in each state, which run the longest, and which failed last.

    Ctrl-C ends it. A journal that disappears is waited for.
    """
    from fsm.page import Source, Watch

    with existing(url):
        pass
    source = Source(partial(existing, url))
    watch, screen = Watch(source), console()
    try:
        if as_json:
            put_json(_as_data(watch.look(), ambient.micros()))
        elif once or not screen.is_terminal:
            screen.print(_drawn(watch.look(), ambient.micros()))
        else:
            with Live(console=screen, screen=True, auto_refresh=False) as live:
                while True:
                    live.update(_drawn(watch.look(), ambient.micros()), refresh=True)
                    threading.Event().wait(interval)
    finally:
        source.close()


def _running(snapshot: Snapshot) -> list[Summary]:
    """Those that run, the longest first."""
    running = (run for run in snapshot.runs if run.phase == RUNNING)
    return sorted(running, key=lambda run: (run.moved, run.run))[:_MOST]


def _failed(snapshot: Snapshot) -> list[Summary]:
    """Those that have failed, the last first."""
    failed = (run for run in snapshot.runs if run.phase == FAILED)
    return sorted(failed, key=lambda run: (-run.moved, run.run))[:_MOST]


def _as_data(snapshot: Snapshot, now: int) -> dict[str, Any]:
    return {
        "trouble": snapshot.trouble,
        "total": len(snapshot.runs),
        "states": dict(snapshot.counts.most_common()),
        "running": [_line(run, now) for run in _running(snapshot)],
        "failed": [_line(run, now) | {"message": run.message} for run in _failed(snapshot)],
    }


def _line(run: Summary, now: int) -> dict[str, Any]:
    return {"run": run.run, "state": run.state, "seconds": max(0, now - run.moved) / 1e6}


def _drawn(snapshot: Snapshot, now: int) -> RenderableType:
    colors = {cls.__name__: cls.color for cls in State.children()}
    counts = Table.grid(padding=(0, 2))
    for state, count in snapshot.counts.most_common():
        counts.add_row(light(colors.get(state)), Text(shown(state)), Text(f"{count:,}", "bold"))
    parts: list[RenderableType] = [Text(f"{len(snapshot.runs):,} runs", "bold"), counts]
    if snapshot.trouble is not None:
        parts.insert(0, Text(f"cannot read the journal now: {shown(snapshot.trouble)}", "bold red"))
    for title, runs in (("running", _running(snapshot)), ("failed", _failed(snapshot))):
        if runs:
            parts += [Text(f"\n{title}", "bold"), _listed(runs, now)]
    return Group(*parts)


def _listed(runs: list[Summary], now: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for run in runs:
        message = Text(shown(run.message or ""), no_wrap=True, overflow="ellipsis")
        table.add_row(Text(_age(now - run.moved)), Text(shown(run.run)), message)
    return table


def _age(micros: int) -> str:
    """The two largest parts of a span: `3 h 20 m`."""
    left, parts = max(0, micros) // 1_000_000, []
    for size, letter in _SIZES:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {letter}")
    return " ".join(parts[:2]) or "0 s"
