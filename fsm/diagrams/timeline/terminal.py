"""Timeline: many runs over time, a bar each, for the terminal.

Import it from here: `import fsm.diagrams` does not pay for rich.
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

from fsm.durations import lasting
from fsm.states import moment
from fsm.text import as_label

from .bars import Bar, History, bars, cells
from .groups import Group, groups
from .style import Look

__all__ = ["timeline"]

_LONGEST_NAME = 28
_SHORTEST_BAR, _SHORTEST_END = 10, 6  # that say something
_MOST = 200  # runs with a line of their own
_TOLD = 2  # states that a group's line ends with

# What a state looks like without colour, and where there is only ASCII.
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
    """Draw runs over time, one bar each: print it with a `rich.console.Console`.

    More than 200 runs are grouped by name and kind: each cell shows the state most of them are in.

    Args:
        histories: Runs, or their steps. Runs that have not moved are left out.
        width: Of the picture, in characters; that of the console if left out.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
        kinds: By its id, what a run is a run of, where only its steps are given.
    """
    return _Timeline(tuple(bars(histories, until, kinds)), width)


@attrs.frozen(eq=False)
class _Line:
    """What stands in one line of the picture."""

    name: str
    shown: Callable[[int, int, int], list[Look | None]]
    end: str


@attrs.frozen(eq=False)
class _Timeline:
    """Bars under a scale, each between its run's name and what became of it."""

    bars: tuple[Bar, ...]
    width: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.bars:
            yield Segment("no run has moved yet\n")
            return
        ascii_only = options.ascii_only
        lines = _lines(self.bars, ascii_only)
        left, width, right = _columns(
            lines, min(self.width or options.max_width, options.max_width)
        )
        began, ended = min(bar.began for bar in self.bars), max(bar.ended for bar in self.bars)
        yield from _scale(began, ended, left, width)
        for line in lines:
            yield Segment(_cut(line.name, left, ascii_only) + " ")
            yield from _drawn(line.shown(began, ended, width), ascii_only)
            yield Segment(f" {_cut(line.end, right, ascii_only).rstrip()}\n" if right else "\n")
        yield from _legend(self.bars, left + width + right + 2, ascii_only)


def _columns(lines: list[_Line], width: int) -> tuple[int, int, int]:
    """How wide the names are, the bars, and the ends: where there is little room, they share it."""
    left = min(max(cell_len(line.name) for line in lines), _LONGEST_NAME, max(width * 2 // 5, 8))
    room = max(width - left - 2, _SHORTEST_BAR)
    right = min(max(cell_len(line.end) for line in lines), room - _SHORTEST_BAR)
    right = right if right >= _SHORTEST_END else 0
    return left, room - right, right


def _lines(bars: tuple[Bar, ...], ascii_only: bool) -> list[_Line]:
    if len(bars) <= _MOST:
        return [_Line(as_label(bar.name), partial(cells, bar), _end(bar)) for bar in bars]
    return [
        _Line(as_label(group.name), partial(_most, group), _ends(group, ascii_only))
        for group in groups(bars)
    ]


def _most(group: Group, began: int, ended: int, width: int) -> list[Look | None]:
    """The state that most of the group's runs are in, cell by cell."""
    counted = group.counts(began, ended, width)
    if not counted:
        return [None] * width
    most = [max(counted, key=lambda look: counted[look][cell]) for cell in range(width)]
    return [look if counted[look][cell] else None for cell, look in enumerate(most)]


def _scale(began: int, ended: int, left: int, width: int) -> Iterator[Segment]:
    day, first = moment.from_micros(began).format("YYYY-MM-DD HH:mm:ss").split()
    day = f"{day} UTC" if left >= len(f"{day} UTC") else ""
    last = lasting(ended - began)
    if len(first) + 1 + len(last) > width:
        first = ""
    scale = f"{day:{left}} {first}{last:>{width - len(first)}}"
    yield Segment(f"{scale}\n", Style(dim=True))


def _drawn(shown: list[Look | None], ascii_only: bool) -> Iterator[Segment]:
    for look, same in groupby(shown):
        length = len(list(same))
        yield Segment(" " * length) if look is None else _marked(look, length, ascii_only)


def _legend(bars: tuple[Bar, ...], width: int, ascii_only: bool) -> Iterator[Segment]:
    looks = {span.look for bar in bars for span in bar.spans}
    used = 0
    for look in sorted(looks, key=lambda look: look.name):
        name = f" {as_label(look.name)}  "
        used += 1 + cell_len(name)
        if used > width:
            yield Segment("\n")
            used = 1 + cell_len(name)
        yield _marked(look, 1, ascii_only)
        yield Segment(name)
    yield Segment("\n")


def _end(bar: Bar) -> str:
    attempts = f", {bar.attempts} attempts" if bar.attempts > 1 else ""
    return f"{as_label(bar.last.name)} {lasting(bar.ended - bar.began)}{attempts}"


def _ends(group: Group, ascii_only: bool) -> str:
    """`9812 runs: 9800 Success, 12 Failed`, the two commonest and the rest."""
    told = [f"{count} {as_label(look.name)}" for look, count in group.ends[:_TOLD]]
    more = ["..." if ascii_only else "…"] if len(group.ends) > _TOLD else []
    return f"{len(group.bars)} runs: {', '.join(told + more)}"


def _marked(look: Look, length: int, ascii_only: bool) -> Segment:
    return Segment(_MARKS[look.kind][ascii_only] * length, Style(color=look.color))


def _cut(name: str, width: int, ascii_only: bool) -> str:
    if cell_len(name) > width:
        name = set_cell_size(name, width - 1) + ("~" if ascii_only else "…")
    return set_cell_size(name, width)
