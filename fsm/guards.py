"""Ready-made guards, each named as it reads in a diagram and explaining its no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from states import Cached, Paused, State

from .guard import Answer

if TYPE_CHECKING:
    import pendulum

    from .step import Step
    from .task import TaskRun

__all__ = ["attempts_left", "cache_fresh", "deadline_passed", "pause_over", "start_time_reached"]


def attempts_left(run: TaskRun, step: Step) -> Answer:
    """Whether the run has been started no more than `max_retries` times."""
    if run.attempts <= run.max_retries:
        return True
    return f"{run.attempts} of {run.max_retries + 1} attempts are used"


def start_time_reached(run: TaskRun, step: Step) -> Answer:
    """Whether the time to start has come, for the state and for the one it may stand for."""
    times = [start for state in _standing_for(step.source) if (start := _start_time(state))]
    return max(times) <= step.at or max(times) if times else True


def pause_over(run: TaskRun, step: Step) -> Answer:
    """Whether a paused run's time has come; any other may pass."""
    if not isinstance(step.source, Paused):
        return True
    return step.source.start_time <= step.at or step.source.start_time


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


def _standing_for(state: State) -> tuple[State, ...]:
    wrapped = getattr(state, "state", None) if state.is_meta_state() else None
    return (state,) if wrapped is None else (state, wrapped)


def _start_time(state: State) -> pendulum.DateTime | None:
    return getattr(state, "start_time", None)
