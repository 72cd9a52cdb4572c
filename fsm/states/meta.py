"""Meta states: what happened to a run outside of it, wrapped around the state it is in."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from typing import Any, ClassVar

import attrs
from pendulum import DateTime

from .base import State
from .converters import Names, as_cached_inputs, as_context, as_start_time
from .errors import InvalidPayload
from .result import NoResult, Result, as_result


def as_wrapped(value: State | None) -> State | None:
    """Return a state to wrap; a meta state cannot be wrapped again."""
    if value is None or (isinstance(value, State) and not value.is_meta_state()):
        return value
    raise InvalidPayload(
        f"state cannot hold {type(value).__name__}; give None or a state that wraps no other",
        "state",
    )


@attrs.frozen(eq=False, repr=False)
class _MetaState(State):
    """A state outside of the run that wraps the state the run is in, one level deep.

    Args:
        message, result, context, cached_inputs: As in every `State`.
        state: The state it wraps, which is no meta state; None if it is not known.
    """

    __module__ = "fsm.states"

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
    """The client lost contact and could not write down the next state of the run.

    Args:
        message, result, context, cached_inputs: As in every `State`.
        state: The state that the run was in; no meta state, or None.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#eb0000"


class Submitted(_MetaState):
    """The run was submitted to an executor.

    Args:
        message, result, context, cached_inputs: As in every `State`.
        state: The state in which it was submitted, often a `Scheduled`; no meta state, or None.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#ffdf5d"

    def is_submitted(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Queued(_MetaState):
    """The run waits in a queue, often because no worker is free.

    Args:
        message, result, context, cached_inputs: As in every `State`.
        state: The state in which it was queued; no meta state, or None.
        start_time: Until when it is queued: an aware datetime. Now, if left out.
    """

    __module__ = "fsm.states"

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
