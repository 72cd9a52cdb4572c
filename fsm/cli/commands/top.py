"""top: how the runs of a journal stand, again and again."""

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

from fsm.cli.options import existing, journal_option
from fsm.cli.printing import console, json_option, light, put_json
from fsm.cli.terminal import SUSPEND, ended_in_order, keys, suspend
from fsm.journal import Summary
from fsm.journal.phase import FAILED, RUNNING
from fsm.states import State, ambient
from fsm.text import escape

if TYPE_CHECKING:
    from fsm.web import Snapshot, Watch

__all__ = ["top"]

_MOST = 10  # runs of a list
_WIDE = 60  # columns of a terminal that has room for messages
_ROOMY = 40  # columns of one that has room for a word on how to end
_NAME = 40  # columns that a name is not cut to fewer of, where there is room for messages
# Ctrl-C and Ctrl-D are among them where the terminal makes no signal of them.
_ENDS = frozenset(f"qQ\x03\x04{SUSPEND}")
_SIZES = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def _number(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if math.isnan(value):  # which no range keeps out
        raise click.BadParameter("nan is no number of seconds")
    return value


@click.command(
    epilog="\b\nExamples:\n  fsm top --journal runs.db\n  fsm top --journal runs.db --once"
)
@journal_option()
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    callback=_number,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--once", is_flag=True, help="Look once, and end.")
@json_option("trouble", "total", "states", "running", "failed", lead="once, an object with")
def top(url: str, interval: float, once: bool, as_json: bool) -> None:
    """Show how many runs are in each state, which run the longest, and which failed last.

    q or Ctrl-C ends it. A journal that disappears is waited for.
    """
    from fsm.web import Source, Watch

    with existing(url):
        pass
    source = Source(partial(existing, url))
    watch, screen = Watch(source), console()
    try:
        if as_json:
            put_json(_as_data(watch.look(), ambient.micros()))
        elif once or not screen.is_terminal or screen.is_dumb_terminal:
            screen.print(_drawn(watch.look(), ambient.micros()))
        else:
            with suppress(KeyboardInterrupt), ended_in_order():
                while SUSPEND in _follow(watch, screen, interval):
                    suspend()
    finally:
        source.close()


def _follow(watch: Watch, screen: Console, interval: float) -> set[str]:
    """Look again and again, until somebody has seen enough; return what was pressed."""
    with keys() as pressed, Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            drawn = _drawn(watch.look(), ambient.micros(), screen.size)
            live.update(drawn, refresh=True)
            if _ENDS & (found := set(pressed(interval))):
                return found


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


def _drawn(snapshot: Snapshot, now: int, room: ConsoleDimensions | None = None) -> RenderableType:
    """What is to be seen; no more lines of it than there is room for."""
    head = Text(f"{len(snapshot.runs):,} runs", "bold")
    if room is not None and room.width >= _ROOMY:
        head.append("   q ends it", "not bold dim")
    parts: list[RenderableType] = [head]
    if snapshot.trouble is not None:
        parts.insert(
            0, Text(f"cannot read the journal now: {escape(snapshot.trouble)}", "bold red")
        )
    parts.append(_counted(snapshot))
    lists = [("running", _running(snapshot)), ("failed", _failed(snapshot))]
    found = [(title, runs) for title, runs in lists if runs]
    wide = room is None or room.width >= _WIDE
    most = _MOST if room is None else _share(parts, room, len(found))
    for title, runs in found if most > 0 else ():
        parts += [Text(f"\n{title}", "bold"), _listed(runs[:most], now, wide=wide)]
    return Group(*parts)


def _share(parts: Iterable[RenderableType], room: ConsoleDimensions, lists: int) -> int:
    """How many runs each of the lists has room for below *parts*, a blank line and its title."""
    measure = Console(width=room.width)
    above = sum(len(measure.render_lines(part)) for part in parts)
    return min(_MOST, (room.height - above) // max(lists, 1) - 2)


def _counted(snapshot: Snapshot) -> Columns:
    """The states, as many side by side as there is room for, most runs first."""
    colors = {cls.__name__: cls.color for cls in State.children()}
    states = [
        Text.assemble(light(colors.get(state)), f" {escape(state)} ", (f"{count:,}", "bold"))
        for state, count in snapshot.counts.most_common()
    ]
    return Columns(states, padding=(0, 3))


def _listed(runs: list[Summary], now: int, *, wide: bool) -> Table:
    ages = [_age(now - run.moved) for run in runs]
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True, min_width=max(map(len, ages)))
    longest = max(cell_len(escape(run.run)) for run in runs)
    table.add_column(
        no_wrap=True, overflow="ellipsis", min_width=min(longest, _NAME) if wide else None
    )
    if wide:  # before its name is cut, its message is
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for age, run in zip(ages, runs, strict=True):
        cells = age, escape(run.run), escape(run.message or "")
        table.add_row(*map(Text, cells[: len(table.columns)]))
    return table


def _age(micros: int) -> str:
    """The two largest parts of a span: `3 h 20 m`."""
    left, parts = max(0, micros) // 1_000_000, []
    for size, letter in _SIZES:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {letter}")
    return " ".join(parts[:2]) or "0 s"
