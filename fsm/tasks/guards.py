"""Ready-made guards, each named as it reads in a diagram and explaining its no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.durations import after
from fsm.lifecycle.guard import Answer
from fsm.states import Cached, Mapped, Paused, Pending, Retrying, State, TimedOut
from fsm.states.timing import standing_for, start_of

from .exceptions import names_of

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step

    from .task_run import TaskRun

__all__ = [
    "attempts_left",
    "cache_fresh",
    "children_failed",
    "children_left",
    "children_of",
    "deadline_passed",
    "ended_badly",
    "error_retried",
    "pause_over",
    "rescues_left",
    "start_time_reached",
    "time_left",
]


def attempts_left(run: TaskRun, step: Step) -> Answer:
    """Whether the run has been started no more than `max_retries` times."""
    retries = run.policy.retry.max_retries
    if run.attempts <= retries:
        return True
    return f"{run.attempts} of {retries + 1} attempts are used"


def error_retried(run: TaskRun, step: Step) -> Answer:
    """Whether what it failed by is of a kind that its policy retries."""
    retry = run.policy.retry
    if not retry.on or not step.source.is_failed():
        return True
    error = TimeoutError() if isinstance(step.source, TimedOut) else step.source.result
    if retry.covers(error):
        return True
    return f"{_kind(error)} is not among what it is retried on: {', '.join(retry.on)}"


def time_left(run: TaskRun, step: Step) -> Answer:
    """Whether it would start before the time for retries, and for the whole run, is up."""
    within, total = run.policy.retry.within, run.policy.timeout.total
    if within is total is None or not isinstance(step.dest, Retrying):
        return True
    begun, start = run.begun_at, step.dest.start_time
    if begun is None:
        return True
    if within is not None and start > (end := after(begun, within)):
        return f"it would start at {start}, and the time for retries ends at {end}"
    if total is not None and start >= (end := after(begun, total)):
        return f"it would start at {start}, and its time in all ends at {end}"
    return True


def rescues_left(run: TaskRun, step: Step) -> Answer:
    """Whether the run has lost its worker fewer times than `max_rescues` allows."""
    allowed = run.policy.retry.max_rescues
    if run.rescues < allowed:
        return True
    return f"{run.rescues} of {allowed} rescues are used"


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


def children_failed(run: TaskRun, step: Step) -> Answer:
    """Whether a child of the mapped run has ended badly, as far as is known."""
    children = children_of(step.source)
    return any(map(ended_badly, children)) or f"none of {len(children)} children has ended badly"


def children_left(run: TaskRun, step: Step) -> Answer:
    """Whether a child of the mapped run has not ended, as far as is known."""
    children = children_of(step.source)
    if not all(child is not None and _over(child) for child in children):
        return True
    return f"all {len(children)} children have ended"


def children_of(state: State) -> Sequence[State | None]:
    """The states of a mapped run's children; None is one that no one has heard of."""
    return state.map_states if isinstance(state, Mapped) else ()


def ended_badly(child: State | None) -> bool:
    """Whether a child has ended, and otherwise than successfully."""
    return child is not None and _over(child) and not child.is_successful()


def _over(child: State) -> bool:
    """Whether it has ended; after a `Looped` its run goes on."""
    return child.is_finished() and not child.is_looped()


def _kind(error: object) -> str:
    return next(iter(names_of(error)), "a failure without an exception")
