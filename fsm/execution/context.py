"""The context of a task: what `current_run()` returns, and how a task ends early."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

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
    """The run that the present task is executed for, as `current_run()` returns it.

    It is the same on threads and in other processes. Long tasks check `cancel_requested` at times.
    """

    __module__ = "fsm.execution"

    id: str
    attempt: int  # 1 for the first
    loop_count: int  # of the present iteration, 1 for the first
    loop_result: Any  # of the iteration before
    resumed: bool  # whether it was resumed after a pause, such as by an approval
    deadline: datetime.datetime | None  # when its time limit has passed, in UTC
    _moved: Callable[[], bool] | None = None
    _cancelled: bool = False

    @property
    def cancel_requested(self) -> bool:
        """Whether the task should end: its result will not be recorded.

        The run was cancelled, its time limit has passed, or another worker has it. In another
        process this reads the journal, at most once a second.
        """
        if not self._cancelled and self._moved is not None:
            self._cancelled = self._moved()
        return self._cancelled

    def cancel(self) -> None:
        """Ask the task to end."""
        self._cancelled = True


def current_run() -> CurrentRun:
    """Return the run that the calling task is executed for.

    Raises:
        InvalidArgument: It is called outside of a task, or in a thread that the task has started.
    """
    current = executing.get()
    if current is None:
        raise InvalidArgument("no task is being performed here, so there is no current run")
    return current


current_run.__module__ = "fsm"

executing: ContextVar[CurrentRun | None] = ContextVar("executing", default=None)


class Outcome(BaseException):
    """Ends a task in a state, from anywhere in it: `raise Outcome(Skipped("nothing new"))`.

    A `BaseException`, so that no `except Exception` on the way catches it. A state that the task
    returns means the same.

    Raises:
        InvalidArgument: *state* is no state.
    """

    __module__ = "fsm"

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
    """Call *task* and return its result. An async task is run in an event loop of its own."""
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
