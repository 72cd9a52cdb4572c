"""Runs over time as an SVG document: a bar for each, or a band for many of them.

The document is built as a tree, so that no text of users is markup. Only the standard library is
needed. The CSS classes begin with `fsm-`, so that it may stand in a page with other pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from xml.etree import ElementTree

from fsm.diagrams.color import text_on
from fsm.diagrams.labels import cut_to_width
from fsm.durations import format_duration
from fsm.states import moment
from fsm.text import as_label

from .axis import ticks
from .bars import Bar, History, Span, bars
from .groups import BarGroup, groups
from .style import StateStyle

__all__ = ["chart"]

_NAMESPACE = "http://www.w3.org/2000/svg"
_STYLE = """
.fsm-sheet { font: 12px Helvetica, Arial, sans-serif }
.fsm-paper { fill: #ffffff }
.fsm-text { fill: #1f2328 }
.fsm-faint { fill: #59636e }
.fsm-line { stroke: #d1d9e0 }
.fsm-shape { stroke: #59636e; stroke-opacity: 0.5; stroke-width: 0.5 }
@media (prefers-color-scheme: dark) {
  .fsm-paper { fill: #0d1117 }
  .fsm-text { fill: #f0f6fc }
  .fsm-faint { fill: #9198a1 }
  .fsm-line { stroke: #3d444d }
  .fsm-shape { stroke: #f0f6fc }
}
"""
_MOST = 60  # runs with a bar of their own
_COLUMNS = 200  # points in time at which a band is counted
_ENDS = 3  # states that the end of a band lists
# Lengths in pixels; those of names and ends in letters.
_LEFT, _RIGHT, _TOP = 200, 240, 44
_ROW, _BAND = 24, 58
_NAME, _END = 27, 34
_LETTER = 7.3
_TALL = {"running": 16, "failed": 12, "finished": 12}  # the height of a bar by the kind of state
_THIN = 6  # the height where a run only waits
_BLOW = (3, 20)  # the width and height of a failure that took no visible time


def chart(
    histories: Iterable[History],
    width: int = 1200,
    *,
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> str:
    """Draw runs over time as an SVG document, for light and dark colour schemes.

    Up to 60 runs have a bar each: tall where they run, thin where they wait, attempts numbered.
    More are grouped by name and kind, as a band whose height shows how many are in each state.

    Args:
        histories: Runs, or their steps, or their records in a journal. Runs that have not moved
            are left out.
        width: The width of the picture, in pixels; at least 600.
        until: When the picture ends, in microseconds since 1970; by default with the last step.
        kinds: The kind of each run by its id, where only steps or records are given.
    """
    shown = bars(histories, until, kinds)
    canvas = _Canvas(max(width, 600))
    if not shown:
        canvas.text(12, 28, "no run has moved yet")
        return canvas.document(44)
    picture = _Picture(canvas, shown)
    bottom = picture.add_bands(groups(shown)) if len(shown) > _MOST else picture.add_bars(shown)
    return canvas.document(picture.add_legend(bottom))


class _Canvas:
    """An SVG document that grows by shapes and text; what is added later lies above."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._root = ElementTree.Element("svg", {"xmlns": _NAMESPACE, "role": "img"})
        self._root.set("class", "fsm-sheet")
        self._parent = self._root
        ElementTree.SubElement(self._root, "style").text = _STYLE
        self._paper = self._add("rect", "fsm-paper", width=width)

    def document(self, height: int) -> str:
        """Return the document, *height* pixels high."""
        self._paper.set("height", str(height))
        self._root.set("width", str(self.width))
        self._root.set("height", str(height))
        self._root.set("viewBox", f"0 0 {self.width} {height}")
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"

    @contextmanager
    def group(self, hint: str) -> Iterator[None]:
        """Add what follows to a group that has *hint* as its tooltip."""
        above, self._parent = self._parent, ElementTree.SubElement(self._parent, "g")
        ElementTree.SubElement(self._parent, "title").text = hint
        yield
        self._parent = above

    def text(
        self,
        x: float,
        y: float,
        text: str,
        kind: str = "fsm-text",
        *,
        anchor: str = "",
        fill: str = "",
    ) -> None:
        """Add *text* with its base line at *y*; in the colour *fill* where it stands on another."""
        marks = {"text-anchor": anchor, "fill": fill}
        given = {name: value for name, value in marks.items() if value}
        self._add("text", "" if fill else kind, x=x, y=y, **given).text = text

    def rect(
        self, x: float, y: float, width: float, height: float, color: str, hint: str = ""
    ) -> None:
        """Add a box."""
        box = self._add("rect", "fsm-shape", x=x, y=y, width=width, height=height, fill=color)
        _set_hint(box, hint)

    def dot(self, x: float, y: float, radius: float, color: str, hint: str) -> None:
        """Add a dot."""
        _set_hint(self._add("circle", "fsm-shape", cx=x, cy=y, r=radius, fill=color), hint)

    def area(self, path: str, color: str, hint: str) -> None:
        """Add an area with this outline, as SVG path data."""
        _set_hint(self._add("path", "fsm-shape", d=path, fill=color), hint)

    def line(self, x: float, top: float, bottom: float) -> None:
        """Add a thin vertical line."""
        self._add("line", "fsm-line", x1=x, x2=x, y1=top, y2=bottom)

    def _add(self, tag: str, kind: str, **marks: float | str) -> ElementTree.Element:
        written = {name: _format(value) for name, value in marks.items()}
        return ElementTree.SubElement(
            self._parent, tag, {"class": kind, **written} if kind else written
        )


def _set_hint(element: ElementTree.Element, hint: str) -> None:
    if hint:
        ElementTree.SubElement(element, "title").text = hint


def _format(value: float | str) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


class _Picture:
    """Places bars, bands, the axis and the legend on a canvas."""

    def __init__(self, canvas: _Canvas, shown: list[Bar]) -> None:
        self.canvas = canvas
        self.began, self.ended = min(bar.began for bar in shown), max(bar.ended for bar in shown)
        self.styles = {span.style: None for bar in shown for span in bar.spans}
        self.width = canvas.width - _LEFT - _RIGHT  # of the bars alone

    def add_bars(self, shown: list[Bar]) -> int:
        """Add the axis and a bar for each run; return where the last one ends."""
        bottom = _TOP + _ROW * len(shown)
        self._axis(bottom)
        for place, bar in enumerate(shown):
            self._bar(bar, _TOP + _ROW * place)
        return bottom

    def add_bands(self, shown: list[BarGroup]) -> int:
        """Add the axis and a band for each group; return where the last one ends."""
        bottom = _TOP + _BAND * len(shown)
        self._axis(bottom)
        for place, group in enumerate(shown):
            self._band(group, _TOP + _BAND * place)
        return bottom

    def add_legend(self, top: int) -> int:
        """Add the names of the colours; return where the picture ends."""
        x, y = _LEFT, top + 24
        for style in sorted(self.styles, key=lambda style: style.name):
            name = cut_to_width(style.name, _NAME)
            wide = 30 + 8 * len(name)
            if x + wide > self.canvas.width and x > _LEFT:
                x, y = _LEFT, y + 20
            self.canvas.rect(x, y - 10, 11, 11, style.color)
            self.canvas.text(x + 16, y, name)
            x += wide
        return y + 16

    def _axis(self, bottom: int) -> None:
        day = moment.from_micros(self.began).strftime("%Y-%m-%d UTC")
        self.canvas.text(12, 28, day, "fsm-faint")
        lasted = format_duration(self.ended - self.began)
        self.canvas.text(self.canvas.width - 12, 28, lasted, "fsm-faint", anchor="end")
        for micros, text in ticks(self.began, self.ended, int(self.width / _LETTER)):
            x = self._x(micros)
            self.canvas.line(x, _TOP - 8, bottom)
            self.canvas.text(x, 28, text, "fsm-faint", anchor="middle")

    def _bar(self, bar: Bar, top: int) -> None:
        middle = top + _ROW / 2
        lasted = format_duration(bar.ended - bar.began)
        with self.canvas.group(f"{as_label(bar.name)}: {as_label(bar.last.name)} {lasted}"):
            self.canvas.text(12, middle + 4, cut_to_width(bar.name, _NAME))
            self._spans(bar, middle)
            attempts = f", {bar.attempts} attempts" if bar.attempts > 1 else ""
            end = cut_to_width(f"{as_label(bar.last.name)} {lasted}{attempts}", _END)
            self.canvas.text(self.canvas.width - _RIGHT + 18, middle + 4, end)

    def _spans(self, bar: Bar, middle: float) -> None:
        seen = set[tuple[int, StateStyle]]()
        over = bar.spans[-1] if bar.last.final else None
        for span in sorted(bar.spans, key=lambda span: (span is over, self._is_blow(span))):
            x, end = self._x(span.began), self._x(span.ended)
            if span is over:
                hint = self._hint(span.style, span.began, 0)
                self.canvas.dot(x, middle, 6, span.style.color, hint)
                continue
            # One span of a state in each pixel, so that a run of a million steps can be drawn.
            if end - x < 1 and (int(x), span.style) in seen:
                continue
            seen.add((int(x), span.style))
            wide, tall = max(end - x, 2), _TALL.get(span.style.kind, _THIN)
            if self._is_blow(span):
                wide, tall = _BLOW
            hint = self._hint(span.style, span.began, span.ended - span.began)
            self.canvas.rect(x, middle - tall / 2, wide, tall, span.style.color, hint)
            if bar.attempts > 1 and span.style.kind == "running":
                self._number(span, x, wide, middle + 4)

    def _is_blow(self, span: Span) -> bool:
        """Whether it is a failure too short to be seen; it is drawn larger, above the others."""
        wide = self._x(span.ended) - self._x(span.began)
        return span.style.kind == "failed" and wide < _BLOW[0]

    def _number(self, span: Span, x: float, wide: float, y: float) -> None:
        """Add the number of the attempt, if it fits into the bar."""
        text = str(span.attempt)
        if wide >= 8 * len(text) + 6:
            ink = text_on(span.style.color)
            self.canvas.text(x + wide / 2, y, text, anchor="middle", fill=ink)

    def _band(self, group: BarGroup, top: int) -> None:
        ends = [f"{count:,} {as_label(style.name)}" for style, count in group.ends]
        with self.canvas.group(f"{as_label(group.name)}: {', '.join(ends)}"):
            self.canvas.text(12, top + 24, cut_to_width(group.name, _NAME))
            self.canvas.text(12, top + 42, f"{len(group.bars):,} runs", "fsm-faint")
            self._areas(group.counts(self.began, self.ended, _COLUMNS), top + _BAND - 4)
            for place, end in enumerate(ends[:_ENDS]):
                more = ", …" if place == _ENDS - 1 and len(ends) > _ENDS else ""
                left = self.canvas.width - _RIGHT + 18
                text = cut_to_width(end, _END - 4) + more
                self.canvas.text(left, top + 17 + 16 * place, text)

    def _areas(self, counts: Mapping[StateStyle, list[int]], bottom: int) -> None:
        """Stack the states, scaled so that the busiest point of the group has the full height."""
        base = [0] * _COLUMNS
        most = max((sum(column) for column in zip(*counts.values(), strict=True)), default=1)
        for style, column in counts.items():
            above = [low + count for low, count in zip(base, column, strict=True)]
            hint = f"{as_label(style.name)}: {max(column):,} at most, of {most:,}"
            self.canvas.area(self._area_path(base, above, bottom, most), style.color, hint)
            base = above
        self.canvas.text(_LEFT - 6, bottom - _BAND + 18, f"{most:,}", "fsm-faint", anchor="end")

    def _area_path(self, base: list[int], above: list[int], bottom: int, most: int) -> str:
        """The path along the top and back along the base, with a corner where a count changes."""
        scale, step = (_BAND - 10) / max(most, 1), self.width / _COLUMNS
        forth = _corners(above, bottom, scale, step)
        back = _corners(base, bottom, scale, step)[::-1]
        return "M" + " ".join(f"{_LEFT + x:.1f},{y:.1f}" for x, y in (*forth, *back)) + "Z"

    def _x(self, micros: int) -> float:
        return _LEFT + (micros - self.began) * self.width / max(self.ended - self.began, 1)

    def _hint(self, style: StateStyle, began: int, lasted: int) -> str:
        at = moment.from_micros(began).strftime("%H:%M:%S.%f")[:-3]
        return f"{as_label(style.name)} at {at}" + (
            f", {format_duration(lasted)}" if lasted else ""
        )


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
