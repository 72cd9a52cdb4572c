"""Running: the state of a run at work."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from states.base import State
from states.payload import Names, as_cached_inputs, as_context
from states.result import NoResult, Result, as_result


@attrs.frozen
class Running(State):
    """Being run."""

    color: ClassVar[str] = "#3d67ff"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def is_running(self) -> bool:
        return True
