"""Finished and what is a kind of it: the ends a run may come to."""

from __future__ import annotations

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
    """Come to an end: the base of every end."""

    __slots__ = ()

    color: ClassVar[str] = "#003ccb"

    def is_finished(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Looped(Finished):
    """Finished iteration `loop_count` of a loop; the next one follows."""

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
    """Finished well."""

    __slots__ = ()

    color: ClassVar[str] = "#28a745"

    def is_successful(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Cached(Success):
    """Finished well, with a result kept until `cached_result_expiration`."""

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
    """Mapped over children. All were submitted; how they end is theirs to say.

    The result is that of the children and cannot be given.
    """

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
        """The children's results in order; None for a child without one."""
        return [None if child is None else child.result for child in self.map_states]

    def _given(self, fields: Mapping[str, str]) -> dict[str, Any]:
        given = super()._given(fields)
        del given["result"]  # the children make it up again
        return given

    @property
    def n_map_states(self) -> int:
        """How many children there are."""
        return len(self.map_states)

    def is_mapped(self) -> bool:
        return True


# The slot itself, so that whoever carries `_result` on carries the children's results.
Mapped._result = _ChildrenResult()  # type: ignore[assignment]  # a field to attrs


class Cancelled(Finished):
    """Finished because someone said so."""

    __slots__ = ()

    color: ClassVar[str] = "#c42800"


@attrs.frozen(eq=False, repr=False)
class Failed(Finished):
    """Finished badly."""

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
    """Failed by taking too long."""

    __slots__ = ()

    color: ClassVar[str] = "#ff4e33"


class TriggerFailed(Failed):
    """Failed because the runs it depends on did not end as its trigger asks."""

    __slots__ = ()

    color: ClassVar[str] = "#ff5131"


class ValidationFailed(Failed):
    """Failed because its result did not pass validation."""

    __slots__ = ()

    color: ClassVar[str] = "#ff5131"


class Skipped(Success):
    """Finished well by having nothing to do."""

    __slots__ = ()

    color: ClassVar[str] = "#62757f"

    def is_skipped(self) -> bool:
        return True
