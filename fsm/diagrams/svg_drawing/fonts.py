"""Lettering: how much room text takes, and where it breaks.

Nobody is asked: the widths are those of Helvetica, which Arial and Liberation Sans share, so that
a picture is the same on each machine. Where there is none of these, the text is made to fit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from fsm.diagrams.labels import wrap_label

__all__ = ["BOLD", "LINE", "broken", "room", "width"]

LINE = 1.25  # from one line of text to the next, as a multiple of its size
BOLD = 1.07  # how wide bold letters are, as a multiple of the usual ones
_USUAL, _SQUARE = 0.62, 1.0  # a sign we do not know; a Chinese one
_WIDTHS = {  # in thousandths of the size, as in Adobe's metrics of the font
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


def width(text: str, size: float) -> float:
    """Return how wide *text* is, in letters of that size."""
    return size * sum(_wide(letter) for letter in text)


def room(lines: Sequence[str], size: float) -> tuple[float, float]:
    """Return how wide and how high *lines* of text are."""
    return max(width(line, size) for line in lines), LINE * size * len(lines)


def broken(lines: Iterable[str], most: int) -> tuple[str, ...]:
    """Break lines of labels into ones of at most *most* characters, where their parts meet."""
    return tuple(short for line in lines for short in wrap_label(line, most, most))


def _wide(letter: str) -> float:
    known = _WIDTH.get(letter)
    if known is not None:
        return known
    if unicodedata.combining(letter):
        return 0.0
    bare = unicodedata.normalize("NFD", letter)[0]  # an e with an accent is as wide as an e
    square = unicodedata.east_asian_width(letter) in "WF"
    return _WIDTH.get(bare, _SQUARE if square else _USUAL)
