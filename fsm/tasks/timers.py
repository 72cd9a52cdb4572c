"""Timers: what time will do to a run, and when. Data asked of the state; no thread sleeps."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from fsm.errors import InvalidArgument
from fsm.run.run import Run
from fsm.states import Cached, ambient
from fsm.states.timing import start_of

if TYPE_CHECKING:
    import pendulum

    from .task_run import TaskRun

__all__ = ["Due", "due", "due_at"]


@attrs.frozen
class Due:
    """What time will do to a run, and when."""

    at: pendulum.DateTime
    event: str  # start, time_out or expire


def due_at(run: TaskRun) -> Due | None:
    """When time next moves *run*, and by which event; None if it does not wait for time."""
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
    """The runs whose time has come by *now* (default: the present), the longest due first.

    Raises:
        InvalidArgument: *now* has no zone.
    """
    now = ambient.now() if now is None else now
    if not isinstance(now, datetime.datetime) or now.tzinfo is None:
        raise InvalidArgument(f"a point in time is an aware datetime, not {now!r}")
    runs = list(runs)
    for run in runs:
        if not isinstance(run, Run):
            raise InvalidArgument(f"a run is due or not, but {run!r} is none")
    found = [(run, waits) for run in runs if (waits := due_at(run)) and waits.at <= now]
    return sorted(found, key=lambda pair: pair[1].at)
