"""Pending and its subclasses: the states of a run that waits."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from typing import Any, ClassVar

import attrs
from pendulum import DateTime

from .base import State
from .converters import (
    Names,
    as_cached_inputs,
    as_context,
    as_pause_end,
    as_run_count,
    as_scheduled_context,
    as_start_time,
)
from .result import NoResult, Result, as_result

# A class lists its fields if its constructor takes others than its parent's, or in another order.
# If it takes the same, it is a plain subclass: attrs would only generate the same again.
# State has the comparison and the repr, so attrs need not generate them for each class.


@attrs.frozen(eq=False, repr=False)
class Pending(State):
    """The run waits to be started; every run begins so.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#7ebdff"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)

    def is_pending(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Scheduled(Pending):
    """The run waits for its `start_time`.

    Args:
        message, result, cached_inputs, context: As in every `State`. The context gets the ambient
            `task_run_count`, if there is one.
        start_time: When the run may start: an aware datetime; a naive one is taken as UTC. Now,
            if left out.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#ffab00"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    start_time: DateTime = attrs.field(default=None, converter=as_start_time)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )
    _context: Names | None = attrs.field(
        default=None, alias="context", converter=as_scheduled_context
    )

    def is_scheduled(self) -> bool:
        return True


@attrs.frozen(eq=False, repr=False)
class Paused(Scheduled):
    """The run is held until it is resumed, or until `start_time`.

    Args:
        message, result, cached_inputs, context: As in `Scheduled`.
        start_time: When the pause ends: an aware datetime. Ten years from now, if left out.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#cfd8dc"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    start_time: DateTime = attrs.field(default=None, converter=as_pause_end)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )
    _context: Names | None = attrs.field(
        default=None, alias="context", converter=as_scheduled_context
    )


class Resume(Scheduled):
    """The run goes on after a pause, at `start_time`.

    Its fields are those of `Scheduled`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#fb8532"


@attrs.frozen(eq=False, repr=False)
class Retrying(Scheduled):
    """The run failed and waits for its next attempt at `start_time`.

    Args:
        message, result, cached_inputs, context: As in `Scheduled`.
        start_time: When the next attempt may start: an aware datetime. Now, if left out.
        run_count: How many attempts there were so far. The ambient `task_run_count`, or else 1,
            if left out.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#f66a0a"

    run_count: int = attrs.field(default=None, converter=as_run_count)

    def is_retrying(self) -> bool:
        return True
