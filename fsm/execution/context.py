"""The context of a task: what `current_run()` returns, and how a task ends early."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import attrs

from fsm.errors import InvalidArgument
from fsm.states import State, ambient

__all__ = ["CurrentRun", "Outcome", "call_in_context", "current_run", "executing"]


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


class Outcome(BaseException):
    """What a task comes to, raised from anywhere in it: `raise Outcome(Skipped("nothing new"))`.

    Not an `Exception`, so that no `except Exception` on the way takes it for an error. A state
    that the task returns means the same.
    """

    def __init__(self, state: State) -> None:
        if not isinstance(state, State):
            raise InvalidArgument(f"an outcome is a state, such as Skipped(...), not {state!r}")
        super().__init__(state)
        self.state = state


def call_in_context(
    current: CurrentRun,
    names: Mapping[str, Any],
    task: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call *task*, and return what it returns; an async one is run to its end in a loop."""
    token = executing.set(current)
    try:
        with ambient.using(**names):
            value = task(*args, **kwargs)
            if inspect.iscoroutine(value):
                import asyncio  # imported on demand: few tasks need it

                return asyncio.run(value)
            return value
    finally:
        executing.reset(token)
