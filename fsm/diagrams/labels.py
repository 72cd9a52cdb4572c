"""Labels of pictures: broken into short lines where their parts meet, or cut to a width."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator

from fsm.text import as_label

__all__ = ["cut_to_width", "wrap_label"]

_WORD = 26  # characters; a longer word may be broken

_BREAKS = re.compile(r" (?=[→(\[])")
_JOINTS = re.compile(r"(?<=[_./:-])|(?<=[a-z0-9])(?=[A-Z])")


def wrap_label(text: str, width: int, longest: int | None = None) -> list[str]:
    """Break a label into lines of about *width* characters, between its parts.

    The parts are the event, `[guards]`, `(exceptions)` and `→ destination`.

    Args:
        text: The label; what cannot be shown is removed first.
        width: Parts that fit into so many characters together share a line.
        longest: A part that is longer is also broken between its words; `2 * width` if omitted.
    """
    lines: list[str] = []
    for part in _BREAKS.split(as_label(text)):
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines += _break_part(part, longest or 2 * width)
    return lines


def _break_part(part: str, longest: int) -> Iterator[str]:
    """Break a part between its words, and a word that is too long at its joints."""
    bound = part.replace("→ ", "→\N{NO-BREAK SPACE}")  # never an arrow alone on a line
    lines = textwrap.wrap(bound, longest, break_long_words=False, break_on_hyphens=False)
    for line in lines:
        for piece in _break_word(line, max(longest, _WORD)):
            yield piece.replace("\N{NO-BREAK SPACE}", " ")


def _break_word(word: str, longest: int) -> Iterator[str]:
    """Break a word where its parts are joined: `_`, `.`, camelCase; or else anywhere."""
    piece = ""
    for syllable in _JOINTS.split(word):
        if piece and len(piece) + len(syllable) > longest:
            yield piece
            piece = ""
        piece += syllable
        while len(piece) > longest:
            yield piece[:longest]
            piece = piece[longest:]
    if piece:
        yield piece


def cut_to_width(text: str, width: float) -> str:
    """Return *text* made safe to show, cut to *width*, in letters of average width."""
    text, used = as_label(text), 0.0
    for place, letter in enumerate(text):
        used += _letter_width(letter)
        if used > width:
            return text[: max(place - 1, 0)] + "…"
    return text


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.9
    if letter in "W@%":
        return 1.75
    return 1.45 if letter.isupper() or letter in "mw—" else 1.0
