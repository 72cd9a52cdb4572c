"""Policy: how often to try a task, how long to let it run, how long its result keeps. Data only."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from .errors import InvalidArgument

if TYPE_CHECKING:
    import pendulum

__all__ = ["Policy", "after", "as_policy", "evolved"]


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


def _check_count(_policy: object, field: attrs.Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument(f"{field.name} is a whole number from 0, not {value!r}")


_A_CENTURY = 100 * 366 * 86_400.0


@attrs.frozen
class Policy:
    """How often to try a task, how long to let it run, how long its result keeps.

    Durations are in seconds, or timedeltas.
    """

    max_retries: int = attrs.field(default=0, validator=_check_count)  # one attempt more than that
    retry_delay: float | None = attrs.field(default=0.0, converter=_as_seconds)  # None: none either
    timeout: float | None = attrs.field(default=None, converter=_as_seconds)  # None: no limit
    cache_for: float | None = attrs.field(default=None, converter=_as_seconds)  # None: not cached
    max_rescues: int = attrs.field(default=3, validator=_check_count)

    def settings(self) -> Mapping[str, Any]:
        """What a run's constructor takes to have this policy again, as plain JSON values."""
        return _settings(self)


@functools.lru_cache(maxsize=1024)
def _settings(policy: Policy) -> Mapping[str, Any]:
    """One mapping for all the runs of one policy: the first step of each keeps it."""
    return {"policy": attrs.asdict(policy)}


def as_policy(value: object) -> Policy:
    """Take a policy, or its settings as a journal has them."""
    if isinstance(value, Mapping):
        try:
            return Policy(**value)
        except InvalidArgument:
            raise
        except TypeError as error:
            raise InvalidArgument(f"a policy has no such fields: {value!r}") from error
    if not isinstance(value, Policy):
        raise InvalidArgument(f"a policy is a Policy, not {value!r}")
    return value


def evolved(policy: Policy, *given: Any) -> Policy:
    """Return *policy* with the fields *given*, in their order, where they are not None.

    Runs that are given the same share one: there may be a million of them.
    """
    try:
        return _evolved(policy, *given)
    except TypeError as error:
        if isinstance(error, InvalidArgument):
            raise
        return _evolved.__wrapped__(policy, *given)  # a wrong value that is not even hashable


@functools.lru_cache(maxsize=1024, typed=True)  # typed: 1 is a number of retries, True is none
def _evolved(policy: Policy, *given: Any) -> Policy:
    names = (field.name for field in attrs.fields(Policy))  # the given come first
    return attrs.evolve(
        policy,
        **{name: value for name, value in zip(names, given, strict=False) if value is not None},
    )


def after(at: pendulum.DateTime, seconds: float) -> pendulum.DateTime:
    """The point in time *seconds* after *at*.

    Raises:
        InvalidArgument: It lies beyond the year 9999.
    """
    try:
        return at.add(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise InvalidArgument(f"{seconds:g} seconds after {at} is beyond the year 9999") from error
