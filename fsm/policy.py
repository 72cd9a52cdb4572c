"""Policy: how often to try a task, how long to let it run, how long its result keeps. Data only."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from .errors import InvalidArgument

if TYPE_CHECKING:
    import pendulum

__all__ = ["Policy", "after"]


def _as_seconds(value: object) -> float | None:
    """Seconds, given as a number or a timedelta; None for no limit."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(f"a number of seconds or a timedelta is needed, not {value!r}")
    if not math.isfinite(value) or not 0 <= value <= _A_CENTURY:
        raise InvalidArgument(f"{value!r} seconds is not between 0 and a century")
    return float(value)


def _as_retries(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument(f"max_retries is a whole number from 0, not {value!r}")
    return value


_A_CENTURY = 100 * 366 * 86_400.0


@attrs.frozen
class Policy:
    """How often to try a task, how long to let it run, how long its result keeps.

    Durations are in seconds, or timedeltas.
    """

    max_retries: int = attrs.field(
        default=0, converter=_as_retries
    )  # so one attempt more than that
    retry_delay: float | None = attrs.field(default=0.0, converter=_as_seconds)  # None: none either
    timeout: float | None = attrs.field(default=None, converter=_as_seconds)  # None: no limit
    cache_for: float | None = attrs.field(default=None, converter=_as_seconds)  # None: not cached

    def evolve(self, **changes: Any) -> Policy:
        """Return a copy in which the *changes* that are not None stand."""
        given = {name: value for name, value in changes.items() if value is not None}
        return attrs.evolve(self, **given) if given else self

    def settings(self) -> Mapping[str, Any]:
        """The fields as plain JSON values; `Policy(**settings)` is equal."""
        return attrs.asdict(self)


def after(at: pendulum.DateTime, seconds: float) -> pendulum.DateTime:
    """The point in time *seconds* after *at*.

    Raises:
        InvalidArgument: It lies beyond the year 9999.
    """
    try:
        return at.add(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise InvalidArgument(f"{seconds:g} seconds after {at} is beyond the year 9999") from error
