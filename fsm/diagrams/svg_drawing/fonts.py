"""Font metrics: how wide text is, and where labels break.

The widths are a table of Helvetica's, which Arial and Liberation Sans share, so that a picture is
the same on each machine. Where none of these is installed, SVG stretches the text to fit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from fsm.diagrams.labels import wrap_label

__all__ = ["BOLD", "LINE", "break_lines", "text_size", "text_width"]

LINE = 1.25  # from one line of text to the next, as a multiple of the font size
BOLD = 1.07  # the width of bold letters, as a multiple of regular ones
_USUAL, _SQUARE = 0.62, 1.0  # the width of an unknown character; of a Chinese one
_WIDTHS = {  # in thousandths of the font size, as in Adobe's metrics
    222: "'ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckvsxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~×",  # noqa: RUF001  # it is a multiplication sign
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "→…",
    1015: "@",
}
_WIDTH = {letter: width / 1000 for width, letters in _WIDTHS.items() for letter in letters}


def text_width(text: str, size: float) -> float:
    """Return the width of *text* in a font of *size*, both in pixels."""
    return size * sum(_letter_width(letter) for letter in text)


def text_size(lines: Sequence[str], size: float) -> tuple[float, float]:
    """Return the width and height of *lines* of text in a font of *size*, all in pixels."""
    return max(text_width(line, size) for line in lines), LINE * size * len(lines)


def break_lines(lines: Iterable[str], most: int) -> tuple[str, ...]:
    """Break lines of labels into ones of about *most* characters, between their parts."""
    return tuple(short for line in lines for short in wrap_label(line, most, most))


def _letter_width(letter: str) -> float:
    known = _WIDTH.get(letter)
    if known is not None:
        return known
    if unicodedata.combining(letter):
        return 0.0
    bare = unicodedata.normalize("NFD", letter)[0]  # an accent does not change the width
    square = unicodedata.east_asian_width(letter) in "WF"
    return _WIDTH.get(bare, _SQUARE if square else _USUAL)
