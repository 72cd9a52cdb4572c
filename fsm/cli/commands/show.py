"""`fsm show`: the table of a lifecycle."""

from __future__ import annotations

from typing import Any

import click
from rich.columns import Columns
from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fsm.cli.printing import console, json_option, light, put_json
from fsm.cli.targets import load, target_argument
from fsm.diagrams import table as markdown_table
from fsm.lifecycle.event import StateClass, Transition
from fsm.lifecycle.guard import label
from fsm.lifecycle.table import Lifecycle
from fsm.text import escape

__all__ = ["show"]


@click.command(
    help="""Show the table of TARGET: each state, and where each event leads from it.

    A `?` or [words] stand for guards, which may reject the event. In a pipe, each state is one
    line.
    """,
    epilog="\b\nExamples:\n  fsm show\n  fsm show shop.orders:Order --json\n"
    "  fsm show fsm:TaskRun | grep Failed",
)
@target_argument
@json_option("name", "initial", "events", "states", "transitions")
@click.option("--markdown", is_flag=True, help="Print the rows as a Markdown table.")
def show(target: str, as_json: bool, markdown: bool) -> None:
    lifecycle = load(target).lifecycle
    if as_json:
        put_json(_as_data(lifecycle))
        return
    if markdown:
        click.echo(markdown_table(lifecycle), nl=False)
        return
    screen = console()
    if not screen.is_terminal:
        click.echo(escape(lifecycle.matrix(), keep="\n"), nl=False)
        return
    _put_title(screen, lifecycle)
    table = _table(lifecycle)
    if _width(screen, table) <= screen.width:
        screen.print(table)
    else:
        screen.print(Group(*(_block(lifecycle, node) for node in lifecycle.nodes)))


def _as_data(lifecycle: Lifecycle) -> dict[str, Any]:
    return {
        "name": lifecycle.name,
        "initial": lifecycle.initial.__name__,
        "events": list(lifecycle.events),
        "states": [
            {"name": node.__name__, "color": node.color, "final": node in lifecycle.finals}
            for node in lifecycle.nodes
        ],
        "transitions": [
            {
                "source": edge.source.__name__,
                "event": edge.event,
                "dest": edge.dest.__name__,
                "stays": edge.row.dest is None,
                "conditions": [label(guard) for guard in edge.row.conditions],
                "unless": [label(guard) for guard in edge.row.unless],
            }
            for edge in lifecycle.edges
        ],
    }


def _put_title(screen: Console, lifecycle: Lifecycle) -> None:
    counts = ", ".join(
        f"{len(found)} {what}{'s' * (len(found) != 1)}"
        for what, found in (("state", lifecycle.nodes), ("event", lifecycle.events))
    )
    rest = f"  {counts}, begins {escape(lifecycle.initial.__name__)}"
    screen.print(Text.assemble((escape(lifecycle.name), "bold"), rest), end="\n\n")


def _table(lifecycle: Lifecycle) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    for event in lifecycle.events:
        table.add_column(Text(escape(event)), no_wrap=True)
    for node in lifecycle.nodes:
        cells = (_cell(lifecycle, event, node) for event in lifecycle.events)
        table.add_row(_name(lifecycle, node), *(Text(escape(cell)) for cell in cells))
    return table


def _width(screen: Console, table: Table) -> int:
    """Return how many columns of a terminal the whole table needs."""
    return Measurement.get(screen, screen.options.update(max_width=100_000), table).maximum


def _cell(lifecycle: Lifecycle, event: str, node: StateClass) -> str:
    rows = lifecycle.rows(event, node)
    names = (f"{_dest(row)}{'?' * row.guarded}" for row in rows)
    return " or ".join(dict.fromkeys(names)) or "·"


def _block(lifecycle: Lifecycle, node: StateClass) -> Group:
    """Format one state with its outgoing rows below it, in as many columns as fit."""
    ways = [
        Text(escape(f"{event} → {_dest(row)} {row.label}".rstrip()))
        for event in lifecycle.allowed(node)
        for row in lifecycle.rows(event, node)
    ]
    below = Columns(ways, padding=(0, 3), column_first=True) if ways else Text("final", style="dim")
    return Group(_name(lifecycle, node), Padding(below, (0, 0, 1, 4)))


def _dest(row: Transition) -> str:
    return row.dest.__name__ if row.dest else "(stays)"


def _name(lifecycle: Lifecycle, node: StateClass) -> Text:
    mark = " (initial)" if node is lifecycle.initial else ""
    return Text.assemble(light(node.color), " ", (escape(node.__name__), "bold"), (mark, "dim"))
