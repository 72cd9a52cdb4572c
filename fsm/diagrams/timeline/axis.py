"""The time axis: round points in time, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator

import pendulum

from fsm.states import moment

__all__ = ["ticks"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Microseconds between two ticks: as on a clock face, then days, then weeks.
_STEPS = [
    *(unit * 10**power for power in range(6) for unit in (1, 2, 5)),
    *(each * _SECOND for each in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(each * 3600 * _SECOND for each in (1, 2, 3, 6, 12, 24)),
    *(each * _DAY for each in (2, 7, 14)),
]
_MONTHS = [1, 2, 3, 6, *(12 * unit * 10**power for power in range(4) for unit in (1, 2, 5))]
_GAP = 5  # letters between two ticks


def ticks(began: int, ended: int, letters: int = 104) -> Iterator[tuple[int, str]]:
    """Yield round points in time within the picture, and the text of each, in UTC.

    Args:
        began: When the picture begins, in microseconds since 1970.
        ended: When the picture ends, likewise.
        letters: The width of the axis, in letters.
    """
    spread = max(ended - began, 1)
    for step in _STEPS:
        form = _form(step, spread)
        if spread * (len(_format(began, step, form)) + _GAP) < step * letters:
            for micros in range(began - began % -step, ended + 1, step):
                yield micros, _format(micros, step, form)
            return
    yield from _calendar(began, ended, letters)


def _form(step: int, spread: int) -> str:
    if step < _SECOND:
        return "%H:%M:%S.%f"
    if step >= _DAY:
        return "%Y-%m-%d"
    return "%m-%d %H:%M" if spread >= _DAY else "%H:%M:%S"


def _format(micros: int, step: int, form: str) -> str:
    text = moment.from_micros(micros).strftime(form)
    return text[:-3] if form.endswith("%f") and step >= 1000 else text


def _calendar(began: int, ended: int, letters: int) -> Iterator[tuple[int, str]]:
    """The first days of months, or of years."""
    first, last = (at.year * 12 + at.month - 1 for at in map(moment.from_micros, (began, ended)))
    long = (ended - began) * (len("2020-01") + _GAP)
    step = next((each for each in _MONTHS if long < each * 28 * _DAY * letters), _MONTHS[-1])
    for month in range(first - first % -step, last + 1, step):
        at = pendulum.datetime(month // 12, month % 12 + 1, 1)
        micros = moment.to_micros(at)
        if began <= micros <= ended:
            yield micros, f"{at.year:04}" if step % 12 == 0 else f"{at.year:04}-{at.month:02}"
