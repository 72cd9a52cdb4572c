"""Durations: lengths of time as numbers of seconds, as text, and added to a point in time."""

import datetime
import math
import re

import pendulum

from .errors import InvalidArgument

__all__ = [
    "A_CENTURY",
    "Duration",
    "after",
    "as_optional_seconds",
    "as_seconds",
    "format_duration",
    "parse_duration",
]

Duration = float | datetime.timedelta  # seconds, where it is a number

A_CENTURY = 100 * 366 * 86_400.0  # seconds; the longest duration

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)"
_PARTS = re.compile(rf"{_NUMBER} ?(s|min|m|h|d|$)")
_TEXT = re.compile(rf"{_NUMBER}|(?:{_NUMBER} ?(?:s|min|m|h|d) ?)+")


def as_seconds(value: Duration, name: str = "a duration") -> float:
    """Convert a number of seconds or a timedelta to seconds.

    Args:
        name: Of the argument or setting, for the error.

    Raises:
        InvalidArgument: It is neither, negative, or longer than a century.
    """
    seconds: object = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidArgument(f"{name} is a number of seconds or a timedelta, not {value!r}")
    if not 0 <= seconds <= A_CENTURY or not math.isfinite(seconds):
        raise InvalidArgument(f"{name} is between 0 seconds and a century, not {value!r}")
    return float(seconds)


def as_optional_seconds(value: Duration | None) -> float | None:
    """Convert a duration to seconds; None, for no limit, stays None.

    Raises:
        InvalidArgument: It is no duration, negative, or longer than a century.
    """
    return None if value is None else as_seconds(value)


def after(at: pendulum.DateTime, seconds: float) -> pendulum.DateTime:
    """Return the point in time *seconds* after *at*.

    Raises:
        InvalidArgument: It is after the year 9999.
    """
    if not seconds:  # most delays are 0, and adding nothing would cost half of a retry
        return at
    try:
        return at.add(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise InvalidArgument(f"{seconds:g} seconds after {at} is beyond the year 9999") from error


def parse_duration(text: str) -> float:
    """Read `90s`, `10m`, `2h`, `1d`, `1h30m` or `3 h 7 min`; a number alone is seconds.

    Returns:
        The seconds.

    Raises:
        InvalidArgument: The text is no duration, or longer than a century.
    """
    stripped = text.strip()
    if not _TEXT.fullmatch(stripped):
        raise InvalidArgument(f"{text!r:.60} is no duration; write 90s, 10m, 2h, 1d or 1h30m")
    seconds = sum(float(count) * _SECONDS[unit] for count, unit in _PARTS.findall(stripped))
    if seconds > A_CENTURY:
        raise InvalidArgument(f"{text!r} is longer than a century")
    return seconds


def format_duration(micros: int) -> str:
    """Write microseconds as `240 ms`, `3.2 s`, `4 min 5 s`, `3 h 7 min`, `2 d 4 h`; rounds down."""
    seconds, minutes = micros // 1_000_000, micros // 60_000_000
    if seconds < 1:
        return f"{micros // 1000} ms"
    if minutes < 1:
        return f"{micros // 100_000 / 10:g} s"
    if minutes < 60:
        return _join(minutes, "min", seconds % 60, "s")
    if minutes < 48 * 60:
        return _join(minutes // 60, "h", minutes % 60, "min")
    return _join(minutes // 1440, "d", minutes // 60 % 24, "h")


def _join(large: int, unit: str, small: int, smaller_unit: str) -> str:
    return f"{large} {unit} {small} {smaller_unit}" if small else f"{large} {unit}"
