"""Sheet: shapes and text of a picture, as an SVG document in light and dark."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from fsm.text import as_label

__all__ = ["Sheet", "cut"]

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


class Sheet:
    """What is drawn, top to bottom; what comes later lies above."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._root = ElementTree.Element("svg", {"xmlns": _NAMESPACE, "role": "img"})
        self._root.set("class", "fsm-sheet")
        self._at = self._root
        ElementTree.SubElement(self._root, "style").text = _STYLE
        self._paper = self._add("rect", "fsm-paper", width=width)

    def document(self, height: int) -> str:
        """The whole of it."""
        self._paper.set("height", str(height))
        self._root.set("width", str(self.width))
        self._root.set("height", str(height))
        self._root.set("viewBox", f"0 0 {self.width} {height}")
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"

    @contextmanager
    def group(self, hint: str) -> Iterator[None]:
        """Draw into a group that tells *hint* when pointed at."""
        above, self._at = self._at, ElementTree.SubElement(self._at, "g")
        ElementTree.SubElement(self._at, "title").text = hint
        yield
        self._at = above

    def text(
        self,
        x: float,
        y: float,
        said: str,
        kind: str = "fsm-text",
        *,
        anchor: str = "",
        fill: str = "",
    ) -> None:
        """Write *said*, its base line at *y*; in the colour *fill* where it stands on another."""
        marks = {"text-anchor": anchor, "fill": fill}
        given = {name: value for name, value in marks.items() if value}
        self._add("text", "" if fill else kind, x=x, y=y, **given).text = said

    def rect(
        self, x: float, y: float, width: float, height: float, color: str, hint: str = ""
    ) -> None:
        """Draw a box."""
        self._hinted(
            self._add("rect", "fsm-shape", x=x, y=y, width=width, height=height, fill=color), hint
        )

    def dot(self, x: float, y: float, radius: float, color: str, hint: str) -> None:
        """Draw a dot."""
        self._hinted(self._add("circle", "fsm-shape", cx=x, cy=y, r=radius, fill=color), hint)

    def area(self, outline: str, color: str, hint: str) -> None:
        """Fill an outline."""
        self._hinted(self._add("path", "fsm-shape", d=outline, fill=color), hint)

    def line(self, x: float, top: float, bottom: float) -> None:
        """Draw a thin line downwards."""
        self._add("line", "fsm-line", x1=x, x2=x, y1=top, y2=bottom)

    def _add(self, tag: str, kind: str, **marks: float | str) -> ElementTree.Element:
        written = {name: _number(value) for name, value in marks.items()}
        return ElementTree.SubElement(
            self._at, tag, {"class": kind, **written} if kind else written
        )

    def _hinted(self, element: ElementTree.Element, hint: str) -> None:
        if hint:
            ElementTree.SubElement(element, "title").text = hint


def cut(text: str, room: float) -> str:
    """Return *text* as far as there is room, counted in letters of usual width."""
    text, used = as_label(text), 0.0
    for place, letter in enumerate(text):
        used += _wide(letter)
        if used > room:
            return text[: max(place - 1, 0)] + "…"
    return text


def _wide(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.9
    if letter in "W@%":
        return 1.75
    return 1.45 if letter.isupper() or letter in "mw—" else 1.0


def _number(value: float | str) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
