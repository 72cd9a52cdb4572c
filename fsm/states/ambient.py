"""The clock that is in force, and the ambient context: both hold for a `with` block.

Nothing else in the project reads the time.
"""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

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

_NO_NAMES: Mapping[str, Any] = MappingProxyType({})
_Ambient = tuple[Clock | int | None, Mapping[str, Any]]  # the clock, and the context

NONE: _Ambient = (None, _NO_NAMES)  # the system's clock, and no context
_ambient: ContextVar[_Ambient] = ContextVar("ambient", default=NONE)


class AmbientScope:
    """Puts a clock and a context in force for a `with` block."""

    __slots__ = ("_ambient", "_before")

    def __init__(self, ambient: _Ambient) -> None:
        self._ambient = ambient

    def __enter__(self) -> None:
        self._before: Token[_Ambient] = _ambient.set(self._ambient)

    def __exit__(self, *error: object) -> None:
        _ambient.reset(self._before)


def micros() -> int:
    """Read the clock in force: microseconds since 1970 in UTC.

    Raises:
        InvalidPayload: A clock of the caller returned something else than an aware datetime.
    """
    clock = _ambient.get()[0]
    if clock is None:
        return time.time_ns() // 1000
    if isinstance(clock, int):
        return clock
    at = clock()
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise InvalidPayload(
            f"the clock returned {type(at).__name__} without a time zone; "
            "it must return an aware datetime",
            "clock",
        )
    return moment.to_micros(at)


def now() -> pendulum.DateTime:
    """Read the clock in force: an aware datetime in UTC."""
    return moment.from_micros(micros())


def clock(read: Clock) -> AmbientScope:
    """Put a clock in force for a `with` block.

    Args:
        read: Called without arguments each time the time is needed; returns an aware datetime.
    """
    if not callable(read):
        raise InvalidPayload(
            f"a clock must be callable, and {type(read).__name__} is not; "
            "use at() for a fixed time",
            "clock",
        )
    return AmbientScope((read, context()))


def at(micros: int) -> AmbientScope:
    """Stop the clock for a `with` block, at so many microseconds since 1970 in UTC."""
    if type(micros) is not int:
        raise InvalidPayload(
            f"at() takes whole microseconds since 1970, not {type(micros).__name__}", "clock"
        )
    return AmbientScope((micros, context()))


def context() -> Mapping[str, Any]:
    """Return the ambient context: `task_tags`, `task_run_count`, `task_loop_count`, and others."""
    return _ambient.get()[1]


# For hot paths that cannot afford a frame: `current() is NONE` says that nothing is in force, and
# then the time is `nanos() // 1000`.
current: Callable[[], _Ambient] = _ambient.get
nanos: Callable[[], int] = time.time_ns


def using(**names: Any) -> AmbientScope:
    """Add names to the ambient context for a `with` block; the constructors of states read it."""
    clock, known = _ambient.get()
    return AmbientScope((clock, MappingProxyType({**known, **names})))


def hide_context() -> AmbientScope:
    """Hide the ambient context for a `with` block, as when a state is restored or copied."""
    return AmbientScope((_ambient.get()[0], _NO_NAMES))
