"""Timers: what time will do to a run, and when. Read from the state; no thread sleeps."""

import datetime
from collections.abc import Iterable

import attrs
import pendulum

from fsm.errors import InvalidArgument
from fsm.run.run import Run
from fsm.states import Cached, ambient
from fsm.states.timing import start_of

from .task_run import TaskRun

__all__ = ["Due", "due", "due_at"]


@attrs.frozen
class Due:
    """What time will do to a run, and when. Frozen."""

    __module__ = "fsm.tasks"

    at: pendulum.DateTime  # in UTC
    event: str  # start, time_out or expire


def due_at(run: TaskRun) -> Due | None:
    """Return when time next moves *run*, and by which event; None if it waits for no time."""
    state = run.state
    deadline = run.deadline
    if deadline is not None:
        return Due(deadline, "time_out")
    if isinstance(state, Cached):
        expiration = state.cached_result_expiration
        return None if expiration is None else Due(expiration, "expire")
    start = start_of(state)
    return None if start is None else Due(start, "start")


def due(runs: Iterable[TaskRun], now: datetime.datetime | None = None) -> list[tuple[TaskRun, Due]]:
    """Return the runs whose time has come, the longest due first.

    Args:
        now: An aware datetime. Default: the present.

    Raises:
        InvalidArgument: *now* has no time zone, or something in *runs* is not a run.
    """
    now = ambient.now() if now is None else now
    if not isinstance(now, datetime.datetime) or now.tzinfo is None:
        raise InvalidArgument(f"a point in time is an aware datetime, not {now!r}")
    runs = list(runs)
    for run in runs:
        if not isinstance(run, Run):
            raise InvalidArgument(f"timers are read from runs, not from {run!r}")
    found = [(run, timer) for run in runs if (timer := due_at(run)) and timer.at <= now]
    return sorted(found, key=lambda pair: pair[1].at)


due.__module__ = due_at.__module__ = "fsm.tasks"
