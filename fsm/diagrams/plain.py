"""Plain text: what of a string can be shown at all, on one line."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator

__all__ = ["plain", "wrapped"]

_LONGEST = 200  # characters; a label is no place for an essay
_WORD = 26  # characters; a word that is longer may be broken
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, bidi, lone surrogates, line ends

_BREAKS = re.compile(r" (?=[→(\[])")
_JOINTS = re.compile(r"(?<=[_./:-])|(?<=[a-z0-9])(?=[A-Z])")


def wrapped(text: str, width: int, longest: int | None = None) -> list[str]:
    """Break a label into lines of about *width*, where its parts meet: `event`, `[guards]`, `→`.

    Args:
        longest: A part that is longer is broken between its words, too; twice the width if left
            out.
    """
    lines: list[str] = []
    for part in _BREAKS.split(plain(text)):
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines += _narrowed(part, longest or 2 * width)
    return lines


def _narrowed(part: str, longest: int) -> Iterator[str]:
    """Break what is too long between its words, and one that is no word any more at its joints."""
    bound = part.replace("→ ", "→\N{NO-BREAK SPACE}")  # an arrow is nothing alone
    lines = textwrap.wrap(bound, longest, break_long_words=False, break_on_hyphens=False)
    for line in lines:
        for piece in _pieces(line, max(longest, _WORD)):
            yield piece.replace("\N{NO-BREAK SPACE}", " ")


def _pieces(word: str, longest: int) -> Iterator[str]:
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


def plain(text: str) -> str:
    """Return *text* without what cannot be seen or would reorder it, spaces for line ends, cut."""
    spaced = (" " if letter.isspace() else letter for letter in text[: 4 * _LONGEST])
    seen = (letter for letter in spaced if unicodedata.category(letter) not in _UNSEEN)
    text = " ".join("".join(seen).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
