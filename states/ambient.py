"""The surroundings of a constructor: the clock in force and the ambient context.

Law: nothing else in the project asks for the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pendulum

from states import moment
from states.errors import InvalidPayload

Clock = Callable[[], datetime]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_clock: ContextVar[Clock | int | None] = ContextVar("clock", default=None)
_names: ContextVar[Mapping[str, Any]] = ContextVar("names", default=_NOTHING)


def micros() -> int:
    """Read the clock in force: microseconds since 1970 in UTC."""
    clock = _clock.get()
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


@contextmanager
def clock(ask: Clock) -> Iterator[None]:
    """Put a clock in force: a callable that answers an aware datetime."""
    if not callable(ask):
        raise InvalidPayload(
            f"a clock is called, and {type(ask).__name__} cannot be; use at() for a fixed time",
            "clock",
        )
    token = _clock.set(ask)
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def at(micros: int) -> Iterator[None]:
    """Stop the clock at a point in time, in microseconds since 1970 in UTC."""
    if type(micros) is not int:
        raise InvalidPayload(
            f"at() takes whole microseconds since 1970, not {type(micros).__name__}", "clock"
        )
    token = _clock.set(micros)
    try:
        yield
    finally:
        _clock.reset(token)


def context() -> Mapping[str, Any]:
    """Look at the ambient context: names such as task_tags and task_run_count."""
    return _names.get()


# What context() and micros() come down to, for where the call itself would count.
current = _names.get
current_clock = _clock.get
nanos = time.time_ns  # the system's clock: right where no other is in force


@contextmanager
def using(**names: Any) -> Iterator[None]:
    """Lay *names* over the ambient context."""
    token = _names.set(MappingProxyType({**_names.get(), **names}))
    try:
        yield
    finally:
        _names.reset(token)


@contextmanager
def sealed() -> Iterator[None]:
    """Hide the ambient context, as when a state is restored or copied."""
    token = _names.set(_NOTHING)
    try:
        yield
    finally:
        _names.reset(token)
