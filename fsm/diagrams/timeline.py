"""Timeline: many runs over time, a bar each, for the terminal.

Import it from here: `import fsm.diagrams` does not pay for rich.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import attrs
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

from states import State, moment

from .bar import Bar, History, bars, cells
from .color import safe
from .plain import plain

__all__ = ["timeline"]

_LONGEST_NAME = 28

# What a state looks like without colour: (question, mark, mark where there is only ASCII).
_MARKS = (
    ("is_running", "█", "#"),
    ("is_retrying", "▒", "r"),
    ("is_pending", "░", "."),
    ("is_meta_state", "▁", "_"),
    ("is_failed", "✗", "x"),
    ("is_skipped", "○", "o"),
    ("is_looped", "↻", "@"),
    ("is_finished", "●", "*"),
)
_OTHER = ("▪", "+")


def timeline(
    histories: Iterable[History], width: int | None = None, *, until: int | None = None
) -> RenderableType:
    """Draw runs over time, one bar each: print it with a `rich.console.Console`.

    Args:
        histories: Runs, or their steps. Runs that have not moved are left out.
        width: Of the picture, in characters; that of the console if left out.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
    """
    return _Timeline(tuple(bars(histories, until)), width)


@attrs.frozen(eq=False)
class _Timeline:
    """Bars under a scale, each between its run's name and what became of it."""

    bars: tuple[Bar, ...]
    width: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.bars:
            yield Segment("no run has moved yet\n")
            return
        names = [plain(bar.name) for bar in self.bars]
        ends = [_end(bar, options.ascii_only) for bar in self.bars]
        left = min(max(map(cell_len, names)), _LONGEST_NAME)
        right = max(map(cell_len, ends))
        room = min(self.width or options.max_width, options.max_width) - left - right - 2
        width = max(room, 10)
        began, ended = min(bar.began for bar in self.bars), max(bar.ended for bar in self.bars)
        yield from _scale(began, ended, left, width)
        for bar, name, end in zip(self.bars, names, ends, strict=True):
            yield Segment(_cut(name, left, options.ascii_only) + " ")
            yield from _drawn(cells(bar, began, ended, width), options.ascii_only)
            yield Segment(f" {end}\n")
        yield from _legend(self.bars, left + width + right + 2, options.ascii_only)


def _scale(began: int, ended: int, left: int, width: int) -> Iterator[Segment]:
    first = moment.from_micros(began).format("HH:mm:ss")
    last = _duration(ended - began)
    scale = first.ljust(max(width - len(last), 9)) + last
    yield Segment(" " * (left + 1) + scale + "\n", Style(dim=True))


def _drawn(shown: list[State | None], ascii_only: bool) -> Iterator[Segment]:
    for state, same in groupby(shown):
        length = len(list(same))
        yield Segment(" " * length) if state is None else _marked(state, length, ascii_only)


def _legend(bars: tuple[Bar, ...], width: int, ascii_only: bool) -> Iterator[Segment]:
    kinds = {type(span.state): span.state for bar in bars for span in bar.spans}
    used = 0
    for kind, state in sorted(kinds.items(), key=lambda pair: pair[0].__name__):
        name = f" {plain(kind.__name__)}  "
        used += 1 + cell_len(name)
        if used > width:
            yield Segment("\n")
            used = 1 + cell_len(name)
        yield _marked(state, 1, ascii_only)
        yield Segment(name)
    yield Segment("\n")


def _end(bar: Bar, ascii_only: bool) -> str:
    times = "x" if ascii_only else "\N{MULTIPLICATION SIGN}"
    starts = f", started {bar.starts}{times}" if bar.starts > 1 else ""
    return f"{plain(type(bar.last).__name__)} {_duration(bar.ended - bar.began)}{starts}"


def _marked(state: State, length: int, ascii_only: bool) -> Segment:
    return Segment(_mark(state, ascii_only) * length, Style(color=safe(state.color)))


def _mark(state: State, ascii_only: bool) -> str:
    for question, mark, ascii_mark in _MARKS:
        if getattr(state, question)():
            return ascii_mark if ascii_only else mark
    return _OTHER[ascii_only]


def _cut(name: str, width: int, ascii_only: bool) -> str:
    if cell_len(name) > width:
        name = set_cell_size(name, width - 1) + ("~" if ascii_only else "…")
    return set_cell_size(name, width)


def _duration(micros: int) -> str:
    """Say how long, rounded down: `240 ms`, `3.2 s`, `4 min 05 s`, `3 h 07 min` or `2 d 4 h`."""
    seconds, minutes = micros // 1_000_000, micros // 60_000_000
    if seconds < 1:
        return f"{micros // 1000} ms"
    if minutes < 1:
        return f"{seconds}.{micros // 100_000 % 10} s"
    if minutes < 120:
        return f"{minutes} min {seconds % 60:02} s"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes // 1440} d {minutes // 60 % 24} h"
