"""Current: what a task may know of the run that it is executed for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import attrs

from fsm.errors import InvalidArgument

__all__ = ["CurrentRun", "current_run", "executing"]


@attrs.define(eq=False)
class CurrentRun:
    """What a task may know of the run that it is executed for, in whatever process.

    `cancel_requested` is for long tasks to look at now and then: somebody has cancelled the run,
    its time is up, or another worker has it now; what the task returns will not be recorded.
    """

    id: str
    attempt: int  # 1 for the first
    loop_count: int  # of the iteration it is in, 1 for the first
    loop_result: Any  # of the iteration before
    resumed: bool  # whether somebody resumed it after a pause, such as by approving
    deadline: datetime.datetime | None  # when the time for it is up, in UTC
    _moved: Callable[[], bool] | None = None
    _cancelled: bool = False

    @property
    def cancel_requested(self) -> bool:
        """Whether the task had better end now. In another process the journal is asked."""
        if not self._cancelled and self._moved is not None:
            self._cancelled = self._moved()
        return self._cancelled

    def cancel(self) -> None:
        """Ask the task to end."""
        self._cancelled = True


def current_run() -> CurrentRun:
    """The run that the calling task is executed for.

    Raises:
        InvalidArgument: It is called outside of a task, or in a thread that the task has made.
    """
    found = executing.get()
    if found is None:
        raise InvalidArgument("no task is being performed here, so there is no current run")
    return found


executing: ContextVar[CurrentRun | None] = ContextVar("executing", default=None)
