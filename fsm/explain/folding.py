"""Rounds: what happened again and again, told at its first and at its last time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .narrator import Line
from .phrases import clock

__all__ = ["folded"]

_LONGEST = 12  # lines of one round
_FEW = 6  # lines that are not worth leaving out
# Counts and lengths of time: `attempt 3 of 5`, `after 4 min 5 s`.
_NUMBERS = re.compile(r"\d[\d.]*( (ms|s|min|h|d)\b)?( \d+ (s|min|h)\b)?")


def folded(lines: Sequence[Line]) -> Iterator[str]:
    """The lines as text; of many rounds that differ by numbers only, the first and the last."""
    alike = [(line.event, line.seq is None, _NUMBERS.sub("#", line.text)) for line in lines]
    place = 0
    while place < len(lines):
        length, rounds = max(_rounds(alike, place), key=lambda found: found[0] * found[1])
        end = place + length * rounds
        if length * (rounds - 2) > _FEW:
            yield from map(str, lines[place : place + length])
            until = clock(lines[end - length - 1].micros)
            yield f"{'…':>23}  and so on, {rounds - 2:,} times more, until {until}"
            yield from map(str, lines[end - length : end])
        else:
            end = place + 1
            yield str(lines[place])
        place = end


def _rounds(alike: Sequence[object], place: int) -> Iterator[tuple[int, int]]:
    """How many lines a round from *place* on may have, and how many such rounds follow it."""
    yield 1, 1
    for length in range(1, _LONGEST + 1):
        end = place + length
        while end < len(alike) and alike[end] == alike[end - length]:
            end += 1
        yield length, (end - place) // length
