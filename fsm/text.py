"""Spelled: any text as a terminal shows it, and never reads it as a command or as another line."""

from __future__ import annotations

import unicodedata

__all__ = ["as_label", "shown"]

_LONGEST = 200  # characters; a label is no place for an essay
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, bidi, lone surrogates, line ends


def shown(text: object, *, keep: str = "") -> str:
    r"""Return *text* with what is not printable spelled out, as in `\x1b`, but for *keep*."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in plain)


def as_label(text: str) -> str:
    """Return *text* as one line that can be shown, of at most 200 characters.

    What cannot be seen or would reorder the text is left out; line ends become spaces.
    """
    spaced = (" " if letter.isspace() else letter for letter in text[: 4 * _LONGEST])
    seen = (letter for letter in spaced if unicodedata.category(letter) not in _UNSEEN)
    text = " ".join("".join(seen).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
