"""Axis: the marks at which people read time."""

from __future__ import annotations

from collections.abc import Iterator

from states import moment

__all__ = ["ticks"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Microseconds between two marks: what a clock face has, then whole days.
_STEPS = [
    *(unit * 10**power for power in range(6) for unit in (1, 2, 5)),
    *(each * _SECOND for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(each * 3600 * _SECOND for each in (1, 2, 3, 6, 12, 24)),
]


def ticks(began: int, ended: int, most: int = 8) -> Iterator[tuple[int, str]]:
    """Yield round points in time within the picture, and how each is written."""
    spread = max(ended - began, 1)
    step = next((each for each in _STEPS if spread // each < most), 0)
    step = step or _DAY * -(-spread // (_DAY * most))
    form = _form(step, spread)
    for micros in range(began - began % -step, ended + 1, step):
        text = moment.from_micros(micros).strftime(form)
        yield micros, text[:-3] if form.endswith("%f") and step >= 1000 else text


def _form(step: int, spread: int) -> str:
    if step < _SECOND:
        return "%H:%M:%S.%f"
    if step >= _DAY:
        return "%Y-%m-%d"
    return "%m-%d %H:%M" if spread >= _DAY else "%H:%M:%S"
