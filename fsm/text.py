"""Spelled: any text as a terminal shows it, and never reads it as a command or as another line."""

from __future__ import annotations

__all__ = ["shown"]


def shown(text: object, *, keep: str = "") -> str:
    r"""Return *text* with what is not printable spelled out, as in `\x1b`, but for *keep*."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in plain)
