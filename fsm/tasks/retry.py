"""Retry: how often to try again, after what delay, and on which exceptions."""

import math
import random
from typing import Any

import attrs

from fsm.durations import A_CENTURY, Duration, as_optional_seconds, as_seconds
from fsm.errors import InvalidArgument

from .exceptions import as_exception_names, names_of

__all__ = ["Retry"]


def _check_count(_retry: object, field: "attrs.Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument(f"{field.name} is a whole number from 0, not {value!r}")


def _between(least: float, most: float) -> Any:
    def check(_retry: object, field: "attrs.Attribute[float]", value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:  # type: ignore[operator]  # it is a number
            limit = f"from {least:g}" + (f" to {most:g}" if most < math.inf else "")
            raise InvalidArgument(f"{field.name} is a number {limit}, not {value!r}")

    return check


def _as_delay(value: Duration | None) -> float:
    return 0.0 if value is None else as_seconds(value, "delay")


@attrs.frozen
class Retry:
    """How often to try again, after what delay, and on which exceptions. Frozen.

    Durations are seconds or timedeltas; they are kept as seconds.

    Args:
        max_retries: The number of retries; a run has one attempt more than that. Default 0.
        delay: The time from the first failure to the next attempt. Default 0.
        backoff: The factor from each delay to the next. Default 1: all delays are equal.
        cap: The longest delay, with jitter. Default None: 100 years.
        jitter: The largest share, from 0 to 1, by which a delay is made longer or shorter at
            random. The same retry of the same run has the same jitter in every process.
        within: No retry starts later than this after the first attempt began. Default None: no
            limit.
        on: Exception classes or their qualified names. Only failures by these, or by their
            subclasses, are retried. Default: every failure is. A `TimedOut` counts as a
            `TimeoutError`.
        max_rescues: How often a lost worker is replaced. A rescue uses no retry. Default 3.

    Raises:
        InvalidArgument: A value is out of its range.
    """

    __module__ = "fsm"

    max_retries: int = attrs.field(default=0, validator=_check_count)
    delay: float = attrs.field(default=0.0, converter=_as_delay)
    backoff: float = attrs.field(default=1.0, validator=_between(1, 1e9))
    cap: float | None = attrs.field(default=None, converter=as_optional_seconds)
    jitter: float = attrs.field(default=0.0, validator=_between(0, 1))
    within: float | None = attrs.field(default=None, converter=as_optional_seconds)
    on: tuple[str, ...] = attrs.field(default=(), converter=as_exception_names)
    max_rescues: int = attrs.field(default=3, validator=_check_count)

    def delay_before(self, retry: int, run: str) -> float:
        """The seconds to wait before a retry.

        Args:
            retry: Which retry it is, counted from 1.
            run: The id of the run, which seeds the jitter.
        """
        if not self.delay:
            return 0.0
        longest = A_CENTURY if self.cap is None else self.cap
        try:
            middle = min(self.delay * float(self.backoff) ** (retry - 1), longest)
        except OverflowError:
            middle = longest
        if not self.jitter:
            return middle
        # The interval ends at the cap. If delays were cut there, many runs would retry together.
        low, high = middle * (1 - self.jitter), min(middle * (1 + self.jitter), longest)
        share = random.Random(f"{run}:{retry}").random()
        return min(low + (high - low) * share, high)

    def covers(self, error: object) -> bool:
        """Whether a failure by *error*, an exception or the record of one, is retried."""
        return not self.on or not set(self.on).isdisjoint(names_of(error))
