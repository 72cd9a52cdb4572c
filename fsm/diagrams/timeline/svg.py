"""Chart: many runs over time as an SVG document, a bar each, or a band for many of them.

It is built as a tree, so no text of the user's is markup. Nothing but the standard library draws
it; its classes begin with `fsm-`, so that it may stand in a page with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fsm.diagrams.color import text_on
from fsm.durations import lasting
from fsm.states import moment
from fsm.text import as_label

from .axis import ticks
from .bars import Bar, History, Span, bars
from .groups import Group, groups
from .sheet import Sheet, cut
from .style import Look

__all__ = ["chart"]

_MOST = 60  # runs with a bar of their own
_LEFT, _RIGHT, _TOP = 200, 240, 44
_ROW, _BAND = 24, 58
_COLUMNS = 200  # points in time at which a band is counted
_NAME, _END = 27, 34  # characters there is room for
_TOLD = 3  # states that a band's end tells
_TALL = {"running": 16, "failed": 12, "finished": 12}  # what only waits is thin
_THIN = 6
_BLOW = (3, 20)  # how wide and tall a failure is that took no time to speak of
_LETTER = 7.3  # pixels that a letter takes


def chart(
    histories: Iterable[History],
    width: int = 1200,
    *,
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> str:
    """Draw runs over time as an SVG document, for light and dark.

    Up to 60 runs have a bar each: tall where they run, thin where they wait, attempts numbered.
    More are grouped by name and kind, as a band whose height says how many are in which state.

    Args:
        histories: Runs, or their steps. Runs that have not moved are left out.
        width: Of the picture, in pixels; at least 600.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
        kinds: By its id, what a run is a run of, where only its steps are given.
    """
    drawn = bars(histories, until, kinds)
    sheet = Sheet(max(width, 600))
    if not drawn:
        sheet.text(12, 28, "no run has moved yet")
        return sheet.document(44)
    picture = _Picture(sheet, drawn)
    bottom = picture.grouped(groups(drawn)) if len(drawn) > _MOST else picture.apart(drawn)
    return sheet.document(picture.legend(bottom))


class _Picture:
    """Where in the picture a point in time is, and what is drawn there."""

    def __init__(self, sheet: Sheet, drawn: list[Bar]) -> None:
        self.sheet = sheet
        self.began, self.ended = min(bar.began for bar in drawn), max(bar.ended for bar in drawn)
        self.looks = {span.look: None for bar in drawn for span in bar.spans}
        self.room = sheet.width - _LEFT - _RIGHT

    def apart(self, drawn: list[Bar]) -> int:
        """A bar a run; returns where the last one ends."""
        bottom = _TOP + _ROW * len(drawn)
        self._axis(bottom)
        for place, bar in enumerate(drawn):
            self._bar(bar, _TOP + _ROW * place)
        return bottom

    def grouped(self, drawn: list[Group]) -> int:
        """A band a group; returns where the last one ends."""
        bottom = _TOP + _BAND * len(drawn)
        self._axis(bottom)
        for place, group in enumerate(drawn):
            self._band(group, _TOP + _BAND * place)
        return bottom

    def legend(self, top: int) -> int:
        """What the colours stand for; returns where it ends."""
        x, y = _LEFT, top + 24
        for look in sorted(self.looks, key=lambda look: look.name):
            name = cut(look.name, _NAME)
            wide = 30 + 8 * len(name)
            if x + wide > self.sheet.width and x > _LEFT:
                x, y = _LEFT, y + 20
            self.sheet.rect(x, y - 10, 11, 11, look.color)
            self.sheet.text(x + 16, y, name)
            x += wide
        return y + 16

    def _axis(self, bottom: int) -> None:
        day = moment.from_micros(self.began).strftime("%Y-%m-%d UTC")
        self.sheet.text(12, 28, day, "fsm-faint")
        lasted = lasting(self.ended - self.began)
        self.sheet.text(self.sheet.width - 12, 28, lasted, "fsm-faint", anchor="end")
        for micros, said in ticks(self.began, self.ended, int(self.room / _LETTER)):
            x = self._x(micros)
            self.sheet.line(x, _TOP - 8, bottom)
            self.sheet.text(x, 28, said, "fsm-faint", anchor="middle")

    def _bar(self, bar: Bar, top: int) -> None:
        middle = top + _ROW / 2
        lasted = lasting(bar.ended - bar.began)
        with self.sheet.group(f"{as_label(bar.name)}: {as_label(bar.last.name)} {lasted}"):
            self.sheet.text(12, middle + 4, cut(bar.name, _NAME))
            self._spans(bar, middle)
            attempts = f", {bar.attempts} attempts" if bar.attempts > 1 else ""
            end = cut(f"{as_label(bar.last.name)} {lasted}{attempts}", _END)
            self.sheet.text(self.sheet.width - _RIGHT + 18, middle + 4, end)

    def _spans(self, bar: Bar, middle: float) -> None:
        seen = set[tuple[int, Look]]()
        over = bar.spans[-1] if bar.last.final else None
        for span in sorted(bar.spans, key=lambda span: (span is over, self._is_blow(span))):
            x, end = self._x(span.began), self._x(span.ended)
            if span is over:
                self.sheet.dot(x, middle, 6, span.look.color, self._said(span.look, span.began, 0))
                continue
            if end - x < 1 and (int(x), span.look) in seen:  # a run of a million steps is drawn too
                continue
            seen.add((int(x), span.look))
            wide, tall = max(end - x, 2), _TALL.get(span.look.kind, _THIN)
            if self._is_blow(span):
                wide, tall = _BLOW
            said = self._said(span.look, span.began, span.ended - span.began)
            self.sheet.rect(x, middle - tall / 2, wide, tall, span.look.color, said)
            if bar.attempts > 1 and span.look.kind == "running":
                self._number(span, x, wide, middle + 4)

    def _is_blow(self, span: Span) -> bool:
        """Whether it is a failure too short to be seen; it is drawn above what goes on at once."""
        return span.look.kind == "failed" and self._x(span.ended) - self._x(span.began) < _BLOW[0]

    def _number(self, span: Span, x: float, wide: float, y: float) -> None:
        """Say which attempt it is, where there is room."""
        said = str(span.attempt)
        if wide >= 8 * len(said) + 6:
            ink = text_on(span.look.color)
            self.sheet.text(x + wide / 2, y, said, anchor="middle", fill=ink)

    def _band(self, group: Group, top: int) -> None:
        ends = [f"{count:,} {as_label(look.name)}" for look, count in group.ends]
        with self.sheet.group(f"{as_label(group.name)}: {', '.join(ends)}"):
            self.sheet.text(12, top + 24, cut(group.name, _NAME))
            self.sheet.text(12, top + 42, f"{len(group.bars):,} runs", "fsm-faint")
            self._areas(group.counts(self.began, self.ended, _COLUMNS), top + _BAND - 4)
            for place, end in enumerate(ends[:_TOLD]):
                more = ", …" if place == _TOLD - 1 and len(ends) > _TOLD else ""
                left = self.sheet.width - _RIGHT + 18
                self.sheet.text(left, top + 17 + 16 * place, cut(end, _END - 4) + more)

    def _areas(self, counts: Mapping[Look, list[int]], bottom: int) -> None:
        """The states on top of one another, as high as the group is at its busiest."""
        base = [0] * _COLUMNS
        most = max((sum(column) for column in zip(*counts.values(), strict=True)), default=1)
        for look, column in counts.items():
            above = [low + count for low, count in zip(base, column, strict=True)]
            said = f"{as_label(look.name)}: {max(column):,} at most, of {most:,}"
            self.sheet.area(self._outline(base, above, bottom, most), look.color, said)
            base = above
        self.sheet.text(_LEFT - 6, bottom - _BAND + 18, f"{most:,}", "fsm-faint", anchor="end")

    def _outline(self, base: list[int], above: list[int], bottom: int, most: int) -> str:
        """Along the top and back along the base, a corner where a count changes."""
        scale, step = (_BAND - 10) / max(most, 1), self.room / _COLUMNS
        forth = _corners(above, bottom, scale, step)
        back = _corners(base, bottom, scale, step)[::-1]
        return "M" + " ".join(f"{_LEFT + x:.1f},{y:.1f}" for x, y in (*forth, *back)) + "Z"

    def _x(self, micros: int) -> float:
        return _LEFT + (micros - self.began) * self.room / max(self.ended - self.began, 1)

    def _said(self, look: Look, began: int, lasted: int) -> str:
        at = moment.from_micros(began).strftime("%H:%M:%S.%f")[:-3]
        return f"{as_label(look.name)} at {at}" + (f", {lasting(lasted)}" if lasted else "")


def _corners(
    counts: list[int], bottom: int, scale: float, step: float
) -> list[tuple[float, float]]:
    found = []
    for place, count in enumerate(counts):
        y = bottom - count * scale
        if not place or count != counts[place - 1]:
            found.append((place * step, bottom - counts[max(place - 1, 0)] * scale))
            found.append((place * step, y))
    return [*found, (len(counts) * step, bottom - counts[-1] * scale)]
