"""Plain text: what of a string can be shown at all, on one line."""

from __future__ import annotations

import re
import textwrap
import unicodedata

__all__ = ["plain", "wrapped"]

_LONGEST = 200  # characters; a label is no place for an essay
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, bidi, lone surrogates, line ends


_BREAKS = re.compile(r" (?=[→(\[])")


def wrapped(text: str, width: int, longest: int | None = None) -> list[str]:
    """Break a label into lines of about *width*, where its parts meet: `event`, `[guards]`, `→`.

    Args:
        longest: A part that is longer is broken, too; twice the width if left out.
    """
    lines: list[str] = []
    for part in _BREAKS.split(plain(text)):
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines += textwrap.wrap(part, longest or 2 * width, break_on_hyphens=False)
    return lines


def plain(text: str) -> str:
    """Return *text* without what cannot be seen or would reorder it, spaces for line ends, cut."""
    spaced = (" " if letter.isspace() else letter for letter in text[: 4 * _LONGEST])
    seen = (letter for letter in spaced if unicodedata.category(letter) not in _UNSEEN)
    text = " ".join("".join(seen).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
