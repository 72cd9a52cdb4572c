"""Runs over time on a terminal, drawn with rich.

Import it from this module: `fsm.diagrams` does not import rich.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby

import attrs
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

from fsm.durations import format_duration
from fsm.states import moment
from fsm.text import as_label

from .bars import Bar, History, bars, cells
from .groups import BarGroup, groups
from .style import StateStyle

__all__ = ["timeline"]

_LONGEST_NAME = 28
_SHORTEST_BAR, _SHORTEST_END = 10, 6  # shorter ones would tell nothing
_MOST = 200  # runs with a line of their own
_ENDS = 2  # states that a group's line ends with

# The mark of each kind of state, and the one where there is only ASCII.
_MARKS = {
    "running": ("█", "#"),
    "retrying": ("▒", "r"),
    "pending": ("░", "."),
    "meta": ("▁", "_"),
    "failed": ("✗", "x"),
    "skipped": ("○", "o"),
    "looped": ("↻", "@"),
    "finished": ("●", "*"),
    "other": ("▪", "+"),
}


def timeline(
    histories: Iterable[History],
    width: int | None = None,
    *,
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> RenderableType:
    """Draw runs over time, a bar for each, to be printed with a `rich.console.Console`.

    More than 200 runs are grouped by name and kind: each cell shows the state that most of the
    group are in.

    Args:
        histories: Runs, or their steps, or their records in a journal. Runs that have not moved
            are left out.
        width: The width of the picture, in characters; by default that of the console.
        until: When the picture ends, in microseconds since 1970; by default with the last step.
        kinds: The kind of each run by its id, where only steps or records are given.
    """
    return _Timeline(tuple(bars(histories, until, kinds)), width)


@attrs.frozen(eq=False)
class _Row:
    """One line of the picture."""

    name: str
    cells: Callable[[int, int, int], list[StateStyle | None]]  # of began, ended and width
    end: str


@attrs.frozen(eq=False)
class _Timeline:
    """Bars under a scale, each between the name of its run and its last state."""

    bars: tuple[Bar, ...]
    width: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.bars:
            yield Segment("no run has moved yet\n")
            return
        ascii_only = options.ascii_only
        rows = _rows(self.bars, ascii_only)
        left, width, right = _columns(rows, min(self.width or options.max_width, options.max_width))
        began, ended = min(bar.began for bar in self.bars), max(bar.ended for bar in self.bars)
        yield from _scale(began, ended, left, width)
        for row in rows:
            yield Segment(_cut(row.name, left, ascii_only) + " ")
            yield from _segments(row.cells(began, ended, width), ascii_only)
            yield Segment(f" {_cut(row.end, right, ascii_only).rstrip()}\n" if right else "\n")
        yield from _legend(self.bars, left + width + right + 2, ascii_only)


def _columns(rows: list[_Row], width: int) -> tuple[int, int, int]:
    """The widths of names, bars and ends, in characters; the bars take what the others leave."""
    left = min(max(cell_len(row.name) for row in rows), _LONGEST_NAME, max(width * 2 // 5, 8))
    left_over = max(width - left - 2, _SHORTEST_BAR)
    right = min(max(cell_len(row.end) for row in rows), left_over - _SHORTEST_BAR)
    right = right if right >= _SHORTEST_END else 0
    return left, left_over - right, right


def _rows(bars: tuple[Bar, ...], ascii_only: bool) -> list[_Row]:
    if len(bars) <= _MOST:
        return [_Row(as_label(bar.name), partial(cells, bar), _end(bar)) for bar in bars]
    return [
        _Row(as_label(group.name), partial(_commonest, group), _ends(group, ascii_only))
        for group in groups(bars)
    ]


def _commonest(group: BarGroup, began: int, ended: int, width: int) -> list[StateStyle | None]:
    """The state that most runs of the group are in, for each cell."""
    counted = group.counts(began, ended, width)
    if not counted:
        return [None] * width
    most = [max(counted, key=lambda style: counted[style][cell]) for cell in range(width)]
    return [style if counted[style][cell] else None for cell, style in enumerate(most)]


def _scale(began: int, ended: int, left: int, width: int) -> Iterator[Segment]:
    day, first = moment.from_micros(began).format("YYYY-MM-DD HH:mm:ss").split()
    day = f"{day} UTC" if left >= len(f"{day} UTC") else ""
    last = format_duration(ended - began)
    if len(first) + 1 + len(last) > width:
        first = ""
    scale = f"{day:{left}} {first}{last:>{width - len(first)}}"
    yield Segment(f"{scale}\n", Style(dim=True))


def _segments(cells: list[StateStyle | None], ascii_only: bool) -> Iterator[Segment]:
    for style, same in groupby(cells):
        length = len(list(same))
        yield Segment(" " * length) if style is None else _mark(style, length, ascii_only)


def _legend(bars: tuple[Bar, ...], width: int, ascii_only: bool) -> Iterator[Segment]:
    styles = {span.style for bar in bars for span in bar.spans}
    used = 0
    for style in sorted(styles, key=lambda style: style.name):
        name = f" {as_label(style.name)}  "
        used += 1 + cell_len(name)
        if used > width:
            yield Segment("\n")
            used = 1 + cell_len(name)
        yield _mark(style, 1, ascii_only)
        yield Segment(name)
    yield Segment("\n")


def _end(bar: Bar) -> str:
    attempts = f", {bar.attempts} attempts" if bar.attempts > 1 else ""
    return f"{as_label(bar.last.name)} {format_duration(bar.ended - bar.began)}{attempts}"


def _ends(group: BarGroup, ascii_only: bool) -> str:
    """The end of a group's line: `9812 runs: 9800 Success, 12 Failed`, the two commonest."""
    ends = [f"{count} {as_label(style.name)}" for style, count in group.ends[:_ENDS]]
    more = ["..." if ascii_only else "…"] if len(group.ends) > _ENDS else []
    return f"{len(group.bars)} runs: {', '.join(ends + more)}"


def _mark(style: StateStyle, length: int, ascii_only: bool) -> Segment:
    return Segment(_MARKS[style.kind][ascii_only] * length, Style(color=style.color))


def _cut(name: str, width: int, ascii_only: bool) -> str:
    if cell_len(name) > width:
        name = set_cell_size(name, width - 1) + ("~" if ascii_only else "…")
    return set_cell_size(name, width)
