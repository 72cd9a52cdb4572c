"""The children of a mapped run: their states, and the result they make up together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .base import State
from .errors import InvalidPayload
from .result import NoResultType, Result


def as_map_states(value: Sequence[State | None] | None) -> Sequence[State | None]:
    """Copy in a list of states; None is a child no one has heard of."""
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
    """Take nothing: the children make up the result."""
    if not isinstance(value, NoResultType):
        raise InvalidPayload(
            "the result of a Mapped is that of its children and cannot be given; "
            "leave it out, or give map_states",
            "result",
        )
    return value


class DerivedResult:
    """The result of a Mapped, made from its children whenever it is asked for."""

    def __get__(self, state: Any, owner: type[Any] | None = None) -> Any:
        return self if state is None else Result(state.result)

    def __set__(self, state: Any, value: object) -> None:
        """Keep nothing: what `as_no_result` let pass, or a pickle of the same children."""
