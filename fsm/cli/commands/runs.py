"""`fsm runs`: list the runs of a journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import click

from fsm.cli.options import DurationType, journal_option, open_existing
from fsm.cli.printing import WIDE, Column, Row, as_time, console, json_option, put_json, put_table
from fsm.cli.suggestions import states as suggested_states
from fsm.errors import did_you_mean
from fsm.journal import Summary
from fsm.states import State, moment

__all__ = ["runs"]


@click.command(
    help="List the runs of a journal, in the order in which they began.",
    epilog="\b\nExamples:\n  fsm runs --journal runs.db --limit 20\n"
    "  fsm runs --journal runs.db --state Failed --state TimedOut --json\n"
    "  fsm runs --journal runs.db --state Running --older 10m",
)
@journal_option()
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="NAME",
    shell_complete=suggested_states,
    help="Only runs in this state; may be given several times.",
)
@click.option("--owner", metavar="NAME", help="Only runs that this worker has claimed.")
@click.option(
    "--older",
    type=DurationType(),
    metavar="TIME",
    help="Only runs that have not moved for this time: 90s, 10m, 2h or 1d.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N", help="Only the last N runs that began."
)
@json_option(
    "run", "state", "message", "steps", "began", "moved", "class", "owner", "lease", "wakes",
    "parent", "child",
    lead="a list of objects with",
)  # fmt: skip
def runs(
    url: str,
    states: tuple[str, ...],
    owner: str | None,
    older: float | None,
    limit: int | None,
    as_json: bool,
) -> None:
    with open_existing(url) as journal:
        found = list(journal.runs(owner=owner, older_than=older))
    _check_states(states, {summary.state for summary in found})
    chosen = [summary for summary in found if not states or summary.state in states]
    last = chosen if limit is None else chosen[len(chosen) - min(limit, len(chosen)) :]
    if as_json:
        put_json([_as_data(summary) for summary in last])
    else:
        _put(last, len(chosen))


def _check_states(asked: Sequence[str], recorded: Collection[str]) -> None:
    """Reject a name that is neither a state class of ours nor recorded: it is misspelt."""
    known = {cls.__name__ for cls in State.children()} | set(recorded)
    for name in asked:
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            raise click.BadParameter(f"no state is called {name!r}{hint}", param_hint="--state")


def _as_data(summary: Summary) -> dict[str, Any]:
    return {
        "run": summary.run,
        "state": summary.state,
        "message": summary.message,
        "steps": summary.steps,
        "began": moment.format(summary.began_at),
        "moved": moment.format(summary.moved_at),
        "class": summary.kind or None,
        "owner": summary.owner,
        "lease": _format(summary.lease),
        "wakes": _format(summary.wakes),
        "parent": summary.parent,
        "child": summary.child,
    }


def _format(micros: int | None) -> str | None:
    return None if micros is None else moment.format(moment.from_micros(micros))


def _put(found: Sequence[Summary], of: int) -> None:
    screen = console()
    wide = not screen.is_terminal or screen.width >= WIDE
    columns = [
        Column("RUN", folds=True),
        Column("STATE"),
        Column("STEPS", right=True),
        *([Column("BEGAN (UTC)")] if wide else []),
        Column("MOVED (UTC)"),
        Column("MESSAGE", folds=True),
    ]
    put_table(screen, columns, [_row(summary, wide=wide) for summary in found])
    if len(found) < of and screen.is_terminal:
        click.echo(f"the last {len(found)} of {of} runs")


def _row(summary: Summary, *, wide: bool) -> Row:
    cells = (
        summary.run,
        summary.state,
        str(summary.steps),
        *([as_time(summary.began)] if wide else []),
        as_time(summary.moved),
        str(summary.message or ""),
    )
    return Row(summary.state, cells)
