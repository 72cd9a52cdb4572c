"""Printing: text, tables and JSON on stdout.

What comes from a journal or a user's module is shown as text: it is escaped, and never taken for
markup or for a command to the terminal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import attrs
import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fsm.diagrams.color import as_hex
from fsm.states import State, moment
from fsm.text import escape, format_time

__all__ = [
    "WIDE",
    "Column",
    "Row",
    "as_json",
    "as_line",
    "as_time",
    "console",
    "json_option",
    "light",
    "put_json",
    "put_table",
]

Command = TypeVar("Command", bound=Callable[..., Any])

WIDE = 120  # columns of a terminal on which all columns of a table fit

_GAP = "  "
_FOLDED = 12  # least width of a folded column, in columns of the terminal
_MOST_ROWS = 1_000  # larger tables are printed plainly: rich lays them out too slowly


@attrs.frozen
class Column:
    """One column of a table."""

    title: str
    right: bool = False
    folds: bool = False  # wraps onto several lines where space is short


@attrs.frozen
class Row:
    """One line of a table."""

    state: str  # whose colour the light has
    cells: tuple[str, ...]


def console(*, stderr: bool = False) -> Console:
    """Return a console on stdout, or on stderr, where stdout carries JSON."""
    return Console(highlight=False, markup=False, emoji=False, stderr=stderr)


def as_time(micros: int, *, millis: bool = False) -> str:
    """Return a point in time, in UTC, to the second or the millisecond.

    Raises:
        InvalidPayload: It is outside of years 1 to 9999: the journal was damaged.
    """
    moment.from_micros(micros)
    return format_time(micros, millis=millis)


def light(color: object) -> Text:
    """Return a dot in *color*; in grey if it is not a colour: a rich style may also be a link."""
    return Text("●", style=as_hex(str(color)))


def json_option(
    *names: str, lead: str = "an object with", parameter: str = "as_json"
) -> Callable[[Command], Command]:
    """Return the option `--json`, whose help names the keys of each object that is printed.

    The keys are part of the interface: programs read them.
    """
    return click.option(
        "--json", parameter, is_flag=True, help=f"Print JSON: {lead} {', '.join(names)}."
    )


def put_json(data: Any) -> None:
    """Print *data* as JSON."""
    click.echo(as_json(data))


def as_json(data: Any) -> str:
    """Format *data* as JSON in ASCII, which cannot contain control sequences."""
    return json.dumps(data, indent=2, allow_nan=False)


def as_line(data: Any) -> str:
    """Format *data* as JSON in one line of ASCII."""
    return json.dumps(data, allow_nan=False)


def put_table(screen: Console, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print a table.

    On a terminal it is fitted to the width, with a dot in the colour of each row's state. Where
    stdout is not a terminal, or too narrow, each row is one line of plain text.
    """
    cells = [tuple(map(escape, row.cells)) for row in rows]
    widths = _widths(columns, cells)
    if screen.is_terminal and len(rows) <= _MOST_ROWS and _least(columns, widths) <= screen.width:
        screen.print(_fit(columns, rows, cells))
    else:
        click.echo("\n".join(_plain_lines(columns, widths, cells)))


def _widths(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[int]:
    lines = [[column.title for column in columns], *rows]
    return [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]


def _least(columns: Sequence[Column], widths: Sequence[int]) -> int:
    """Return the least width of a terminal on which the table is readable."""
    return len(_GAP) + sum(
        len(_GAP) + (min(width, _FOLDED) if column.folds else width)
        for column, width in zip(columns, widths, strict=True)
    )


def _fit(columns: Sequence[Column], rows: Sequence[Row], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold",
        )
    colors = {cls.__name__: cls.color for cls in State.children()}
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(light(colors.get(row.state)), *map(Text, texts))
    return table


def _plain_lines(
    columns: Sequence[Column], widths: Sequence[int], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    for line in ([column.title for column in columns], *rows):
        places = zip(line, widths, columns, strict=True)
        yield _GAP.join(_pad(text, width, column) for text, width, column in places).rstrip()


def _pad(text: str, width: int, column: Column) -> str:
    space = " " * (width - cell_len(text))
    return space + text if column.right else text + space
