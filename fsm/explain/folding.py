"""Fold repeated lines of a story: print the first and the last repetition, count the rest."""

import re
from collections.abc import Iterator, Sequence

from fsm.text import format_time

from .narrator import StoryLine

__all__ = ["fold_repeats"]

_MAX_PERIOD = 12  # lines that may repeat as one block
_MIN_SAVING = 6  # lines; folding fewer is not worth it
# Counts and durations: `attempt 3 of 5`, `after 4 min 5 s`.
_NUMBERS = re.compile(r"\d[\d.]*( (ms|s|min|h|d)\b)?( \d+ (s|min|h)\b)?")


def fold_repeats(lines: Sequence[StoryLine]) -> Iterator[str]:
    """Yield the lines as text; of a block that repeats, only the first and the last repetition.

    Lines count as equal where they differ by numbers only.
    """
    keys = [(line.event, line.seq is None, _NUMBERS.sub("#", line.text)) for line in lines]
    start = 0
    while start < len(lines):
        period, repeats = max(_repeats_from(keys, start), key=lambda found: found[0] * found[1])
        end = start + period * repeats
        if period * (repeats - 2) > _MIN_SAVING:
            yield from map(str, lines[start : start + period])
            until = format_time(lines[end - period - 1].micros)
            yield f"{'…':>23}  repeated {repeats - 2:,} more times, until {until}"
            yield from map(str, lines[end - period : end])
        else:
            end = start + 1
            yield str(lines[start])
        start = end


def _repeats_from(keys: Sequence[object], start: int) -> Iterator[tuple[int, int]]:
    """For each period from *start* on: how many lines it has, and how many times it stands."""
    yield 1, 1
    for period in range(1, _MAX_PERIOD + 1):
        end = start + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        yield period, (end - start) // period
