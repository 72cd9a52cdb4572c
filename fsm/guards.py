"""Ready-made guards, each named as it reads in a diagram and explaining its no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from states import Cached, Paused, Pending, Queued, Scheduled, State

from .guard import Answer

if TYPE_CHECKING:
    import pendulum

    from .step import Step
    from .task import TaskRun

__all__ = [
    "attempts_left",
    "cache_fresh",
    "deadline_passed",
    "pause_over",
    "rescues_left",
    "standing_for",
    "start_of",
    "start_time_reached",
]


def attempts_left(run: TaskRun, step: Step) -> Answer:
    """Whether the run has been started no more than `max_retries` times."""
    if run.attempts <= run.max_retries:
        return True
    return f"{run.attempts} of {run.max_retries + 1} attempts are used"


def rescues_left(run: TaskRun, step: Step) -> Answer:
    """Whether the run has lost its worker fewer times than `max_rescues` allows."""
    if run.rescues < run.policy.max_rescues:
        return True
    return f"{run.rescues} of {run.policy.max_rescues} rescues are used"


def start_time_reached(run: TaskRun, step: Step) -> Answer:
    """Whether the time to start has come, for the state and for the one it may stand for."""
    if type(step.source) is Pending:  # as most runs are: it waits for nothing
        return True
    start = start_of(step.source)
    return start is None or start <= step.at or start


def pause_over(run: TaskRun, step: Step) -> Answer:
    """Whether a pause is over, of the state or of the one it may stand for; others may pass."""
    ends = [each.start_time for each in standing_for(step.source) if isinstance(each, Paused)]
    return not ends or max(ends) <= step.at or max(ends)


def deadline_passed(run: TaskRun, step: Step) -> Answer:
    """Whether the time allowed for running is up, if there is a limit."""
    deadline = run.deadline
    return deadline is None or deadline <= step.at or deadline


def cache_fresh(run: TaskRun, step: Step) -> Answer:
    """Whether the cache entry proposed has not expired (strictly: at its time it has)."""
    expiration = step.dest.cached_result_expiration if isinstance(step.dest, Cached) else None
    if expiration is None or expiration > step.at:
        return True
    return f"the entry expired at {expiration.isoformat()}"


def standing_for(state: State) -> tuple[State, ...]:
    """The state, and the one it stands for."""
    wrapped = getattr(state, "state", None) if state.is_meta_state() else None
    return (state,) if wrapped is None else (state, wrapped)


def start_of(state: State) -> pendulum.DateTime | None:
    """When it may start: the later of its own time and that of the state it stands for."""
    timed = (each for each in standing_for(state) if isinstance(each, Scheduled | Queued))
    return max((each.start_time for each in timed), default=None)
