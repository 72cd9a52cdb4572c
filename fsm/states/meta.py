"""Meta states: what the world around a run says of it, wrapped around the state it is in."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from pendulum import DateTime

from .base import State
from .converters import Names, as_cached_inputs, as_context, as_start_time
from .errors import InvalidPayload
from .result import NoResult, Result, as_result


def as_wrapped(value: State | None) -> State | None:
    """Take a state to wrap; a meta state is not wrapped again."""
    if value is None or (isinstance(value, State) and not value.is_meta_state()):
        return value
    raise InvalidPayload(
        f"state cannot hold {type(value).__name__}; give None or a state that wraps no other",
        "state",
    )


@attrs.frozen(eq=False, repr=False)
class _MetaState(State):
    """A state of the outside world that stands for the state it wraps, one level deep."""

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    state: State | None = attrs.field(default=None, converter=as_wrapped)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def is_meta_state(self) -> bool:
        return True


class ClientFailed(_MetaState):
    """The client lost touch; the run was in the `state` it wraps."""

    __slots__ = ()

    color: ClassVar[str] = "#eb0000"


class Submitted(_MetaState):
    """Handed to an executor; the run was in the `state` it wraps."""

    __slots__ = ()

    color: ClassVar[str] = "#ffdf5d"

    def is_submitted(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Queued(_MetaState):
    """Waiting in a queue since or until `start_time`; the run was in the `state` it wraps."""

    color: ClassVar[str] = "#ffea7f"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    state: State | None = attrs.field(default=None, converter=as_wrapped)
    start_time: DateTime = attrs.field(default=None, converter=as_start_time)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def is_queued(self) -> bool:
        return True
