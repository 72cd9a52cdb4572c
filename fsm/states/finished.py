"""Finished and its subclasses: the states of a run that has ended."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs
from pendulum import DateTime

from .base import State
from .converters import (
    Names,
    as_cached_inputs,
    as_cached_parameters,
    as_context,
    as_expiration,
    as_loop_count,
)
from .errors import InvalidPayload
from .result import NoResult, NoResultType, Result, as_result


def as_map_states(value: Sequence[State | None] | None) -> Sequence[State | None]:
    """Copy a list of children's states; None stands for a child whose state is not known.

    Raises:
        InvalidPayload: It is no list or tuple, or holds something else.
    """
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise InvalidPayload(
            f"map_states cannot hold {type(value).__name__}; give a list of states or None",
            "map_states",
        )
    for index, child in enumerate(value):
        if child is not None and not isinstance(child, State):
            raise InvalidPayload(
                f"map_states.{index} cannot hold {type(child).__name__}; give a state or None",
                f"map_states.{index}",
            )
    return list(value)


def as_no_result(value: Any) -> Result:
    """Refuse a result for a `Mapped`: its children's results are its result."""
    if not isinstance(value, NoResultType):
        raise InvalidPayload(
            "the result of a Mapped is that of its children and cannot be given; "
            "leave it out, or give map_states",
            "result",
        )
    return value


class _ChildrenResult:
    """The `_result` of a Mapped: built from its children each time it is read."""

    def __get__(self, state: Any, owner: type[Any] | None = None) -> Any:
        return self if state is None else Result(state.result)

    def __set__(self, state: Any, value: object) -> None:
        """Ignore what `as_no_result` let pass, or a pickle of the same children."""


class Finished(State):
    """The run has ended: the base of every end.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#003ccb"

    def is_finished(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Looped(Finished):
    """One iteration of a loop has ended; the next one follows.

    Args:
        message, result, context, cached_inputs: As in every `State`; the result is that of the
            iteration, and the next one gets it.
        loop_count: The number of the iteration, from 1. The ambient `task_loop_count`, or else 1,
            if left out.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#003ccb"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    loop_count: int = attrs.field(default=None, converter=as_loop_count)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def is_looped(self) -> bool:
        return True


class Success(Finished):
    """The run ended well.

    Its fields are those of every `State`; `result` is what the run returned.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#28a745"

    def is_successful(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Cached(Success):
    """The run ended well, and its result may be used again until `cached_result_expiration`.

    Args:
        message, result, cached_inputs, context: As in every `State`; the result is the one that
            may be used again, for the same `cached_inputs`.
        cached_parameters: The parameters that the result was computed from.
        cached_result_expiration: When the result may no longer be used: an aware datetime. Never,
            if left out.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#34d058"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )
    cached_parameters: Any = attrs.field(default=None, converter=as_cached_parameters)
    cached_result_expiration: DateTime | None = attrs.field(default=None, converter=as_expiration)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)

    def is_cached(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Mapped(Success):
    """The run was mapped over children; all were submitted, and each ends in its own way.

    Args:
        message, context, cached_inputs: As in every `State`.
        result: Cannot be given: the result is the list of the children's results.
        map_states: The states of the children in order; None for a child whose state is not
            known.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#003ccb"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_no_result)
    map_states: Sequence[State | None] = attrs.field(default=None, converter=as_map_states)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    @property
    def result(self) -> list[Any]:
        """The results of the children in order; None for a child without one."""
        return [None if child is None else child.result for child in self.map_states]

    def _arguments(self, fields: Mapping[str, str]) -> dict[str, Any]:
        arguments = super()._arguments(fields)
        del arguments["result"]  # it follows from the children
        return arguments

    @property
    def n_map_states(self) -> int:
        """How many children there are."""
        return len(self.map_states)

    def is_mapped(self) -> bool:
        return True


# In place of the slot, so that a step that passes `_result` on passes the children's results.
Mapped._result = _ChildrenResult()  # type: ignore[assignment]  # a field to attrs


class Cancelled(Finished):
    """The run was cancelled before it had ended by itself.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#c42800"


@attrs.frozen(eq=False, repr=False)
class Failed(Finished):
    """The run failed.

    Its fields are those of every `State`; `result` is the exception, if there was one. After it
    was read from a journal it is an `ExceptionRecord`.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#eb0000"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)

    def is_failed(self) -> bool:
        return True


class TimedOut(Failed):
    """The run failed because it took longer than it may.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#ff4e33"


class TriggerFailed(Failed):
    """The run failed because the runs upstream did not end as its trigger rule asks.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#ff5131"


class ValidationFailed(Failed):
    """The run failed because its result did not pass validation.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#ff5131"


class Skipped(Success):
    """The run had nothing to do, and counts as successful.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#62757f"

    def is_skipped(self) -> bool:
        return True
