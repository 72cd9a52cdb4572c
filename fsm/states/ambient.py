"""The surroundings of a constructor: the clock in force and the ambient context.

Law: nothing else in the project asks for the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pendulum

from . import moment
from .errors import InvalidPayload

Clock = Callable[[], datetime]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_Surroundings = tuple[Clock | int | None, Mapping[str, Any]]  # the clock, and the context

NONE: _Surroundings = (None, _NOTHING)  # the system's clock, and no context
_surroundings: ContextVar[_Surroundings] = ContextVar("surroundings", default=NONE)


class InForce:
    """A `with` block's clock and context; those before come back at its end."""

    __slots__ = ("_before", "_surroundings")

    def __init__(self, surroundings: _Surroundings) -> None:
        self._surroundings = surroundings

    def __enter__(self) -> None:
        self._before: Token[_Surroundings] = _surroundings.set(self._surroundings)

    def __exit__(self, *error: object) -> None:
        _surroundings.reset(self._before)


def micros() -> int:
    """Read the clock in force: microseconds since 1970 in UTC."""
    clock = _surroundings.get()[0]
    if clock is None:
        return time.time_ns() // 1000
    if isinstance(clock, int):
        return clock
    at = clock()
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise InvalidPayload(
            f"the clock answered {type(at).__name__} without a zone; "
            "it has to answer an aware datetime",
            "clock",
        )
    return moment.to_micros(at)


def now() -> pendulum.DateTime:
    """Read the clock in force, as a moment in UTC."""
    return moment.from_micros(micros())


def clock(ask: Clock) -> InForce:
    """Put a clock in force: a callable that answers an aware datetime."""
    if not callable(ask):
        raise InvalidPayload(
            f"a clock is called, and {type(ask).__name__} cannot be; use at() for a fixed time",
            "clock",
        )
    return InForce((ask, context()))


def at(micros: int) -> InForce:
    """Stop the clock at a point in time, in microseconds since 1970 in UTC."""
    if type(micros) is not int:
        raise InvalidPayload(
            f"at() takes whole microseconds since 1970, not {type(micros).__name__}", "clock"
        )
    return InForce((micros, context()))


def context() -> Mapping[str, Any]:
    """Look at the ambient context: names such as task_tags and task_run_count."""
    return _surroundings.get()[1]


# For where a call of `context` or `micros` would count: whether anything is in force at all, and
# the system's clock, which is right where nothing is.
current = _surroundings.get
nanos = time.time_ns


def using(**names: Any) -> InForce:
    """Lay *names* over the ambient context."""
    clock, known = _surroundings.get()
    return InForce((clock, MappingProxyType({**known, **names})))


def sealed() -> InForce:
    """Hide the ambient context, as when a state is restored or copied."""
    return InForce((_surroundings.get()[0], _NOTHING))
