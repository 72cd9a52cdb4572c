"""Pending and what is a kind of it: the states of a run that waits."""

from __future__ import annotations

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

# A class lists its fields where its constructor takes others than its parent's, or in another
# order. Where it takes the same, it is a plain subclass: attrs would only write the same again.
# State has the comparison and the repr, so attrs need not write and drop them for each class.


@attrs.frozen(eq=False, repr=False)
class Pending(State):
    """Waiting to be started: how every run begins."""

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
    """Waiting for `start_time`."""

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
    """Held until someone resumes it, or until `start_time`: ten years away unless given."""

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
    """Let go after a pause, to start at `start_time`."""

    __slots__ = ()

    color: ClassVar[str] = "#fb8532"


@attrs.frozen(eq=False, repr=False)
class Retrying(Scheduled):
    """Waiting to try again at `start_time`, after `run_count` attempts."""

    color: ClassVar[str] = "#f66a0a"

    run_count: int = attrs.field(default=None, converter=as_run_count)

    def is_retrying(self) -> bool:
        return True
