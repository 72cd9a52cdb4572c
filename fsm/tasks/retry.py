"""Retry: how often to try again, after how long, and on which errors."""

from __future__ import annotations

import math
import random
from typing import Any

import attrs

from fsm.durations import A_CENTURY, as_delay, as_seconds
from fsm.errors import InvalidArgument

from .exceptions import as_kinds, kinds_of

__all__ = ["Retry"]


def _check_count(_retry: object, field: attrs.Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument(f"{field.name} is a whole number from 0, not {value!r}")


def _between(least: float, most: float) -> Any:
    def check(_retry: object, field: attrs.Attribute[float], value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:  # type: ignore[operator]  # it is a number
            limit = f"from {least:g}" + (f" to {most:g}" if most < math.inf else "")
            raise InvalidArgument(f"{field.name} is a number {limit}, not {value!r}")

    return check


@attrs.frozen
class Retry:
    """How often to try again, after how long, and on which errors.

    Args:
        max_retries: How often; there is one attempt more than that.
        delay: Seconds, or a timedelta, from the first failure to the next attempt.
        backoff: How many times as long as the one before each further delay is.
        cap: The longest a delay becomes, jitter included; a century if left out.
        jitter: By what share of itself, 0 to 1, a delay is made longer or shorter at random. A run
            has the same luck in every process.
        within: No retry starts later than this after the first attempt began.
        on: Exception classes, or their qualified names, whose kinds are tried again; every failure
            is if left out. A `TimedOut` counts as a `TimeoutError`.
        max_rescues: How often a lost worker is replaced, which takes none of the retries.
    """

    max_retries: int = attrs.field(default=0, validator=_check_count)
    delay: float = attrs.field(default=0.0, converter=as_delay)
    backoff: float = attrs.field(default=1.0, validator=_between(1, 1e9))
    cap: float | None = attrs.field(default=None, converter=as_seconds)
    jitter: float = attrs.field(default=0.0, validator=_between(0, 1))
    within: float | None = attrs.field(default=None, converter=as_seconds)
    on: tuple[str, ...] = attrs.field(default=(), converter=as_kinds)
    max_rescues: int = attrs.field(default=3, validator=_check_count)

    def delay_before(self, retry: int, run: str) -> float:
        """Seconds to wait before the *retry*-th retry, from 1, of the run of that id."""
        if not self.delay:
            return 0.0
        longest = A_CENTURY if self.cap is None else self.cap
        try:
            middle = min(self.delay * float(self.backoff) ** (retry - 1), longest)
        except OverflowError:
            middle = longest
        if not self.jitter:
            return middle
        # Up to the cap and no further, rather than cut off there: else many runs would meet at it.
        low, high = middle * (1 - self.jitter), min(middle * (1 + self.jitter), longest)
        luck = random.Random(f"{run}:{retry}").random()
        return min(low + (high - low) * luck, high)

    def covers(self, error: object) -> bool:
        """Whether *error*, an exception or the record of one, is of a kind to try again."""
        return not self.on or not set(self.on).isdisjoint(kinds_of(error))
