"""Colours of states: made safe for markup, and which text can be read on them.

Contrast as WCAG 2.2 computes it: from 1 for none to 21 for black on white.
"""

from __future__ import annotations

import re

__all__ = ["as_hex", "contrast", "text_on"]

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", re.ASCII)
_DARK, _LIGHT = "#111111", "#ffffff"
_FALLBACK = "#696969"


def as_hex(color: str) -> str:
    """Return *color* as `#rrggbb`, which is safe in markup; grey if it is no hex colour."""
    if not _HEX.fullmatch(color):
        return _FALLBACK
    digits = color[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def text_on(background: str) -> str:
    """Return black or white, whichever has the higher contrast with *background*."""
    return max(_DARK, _LIGHT, key=lambda text: contrast(text, background))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    digits = as_hex(color)[1:]
    red, green, blue = (_as_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _as_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
