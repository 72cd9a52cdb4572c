"""Duration: a length of time, the point that lies so far ahead, and how long it is in words."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING

from .errors import InvalidArgument

if TYPE_CHECKING:
    import pendulum

__all__ = ["A_CENTURY", "Duration", "after", "as_delay", "as_seconds", "lasting"]

Duration = float | datetime.timedelta  # seconds, where it is a number

A_CENTURY = 100 * 366 * 86_400.0


def as_seconds(value: Duration | None) -> float | None:
    """Seconds, given as a number or a timedelta; None for no limit.

    Raises:
        InvalidArgument: It is neither, negative, or longer than a century.
    """
    return None if value is None else _checked(value)


def as_delay(value: Duration | None) -> float:
    """The same, where None stands for no time at all."""
    return 0.0 if value is None else _checked(value)


def _checked(value: object) -> float:
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(f"a number of seconds or a timedelta is needed, not {value!r}")
    if not math.isfinite(value) or not 0 <= value <= A_CENTURY:
        raise InvalidArgument(f"{value!r} seconds is not between 0 and a century")
    return float(value)


def after(at: pendulum.DateTime, seconds: float) -> pendulum.DateTime:
    """The point in time *seconds* after *at*.

    Raises:
        InvalidArgument: It lies beyond the year 9999.
    """
    if not seconds:  # as most delays: adding nothing would cost half of a retry
        return at
    try:
        return at.add(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise InvalidArgument(f"{seconds:g} seconds after {at} is beyond the year 9999") from error


def lasting(micros: int) -> str:
    """Say how long, rounded down: `240 ms`, `3.2 s`, `4 min 5 s`, `3 h 7 min`, `2 d 4 h`."""
    seconds, minutes = micros // 1_000_000, micros // 60_000_000
    if seconds < 1:
        return f"{micros // 1000} ms"
    if minutes < 1:
        return f"{micros // 100_000 / 10:g} s"
    if minutes < 60:
        return _both(minutes, "min", seconds % 60, "s")
    if minutes < 48 * 60:
        return _both(minutes // 60, "h", minutes % 60, "min")
    return _both(minutes // 1440, "d", minutes // 60 % 24, "h")


def _both(large: int, unit: str, small: int, fine: str) -> str:
    return f"{large} {unit} {small} {fine}" if small else f"{large} {unit}"
