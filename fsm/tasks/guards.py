"""Guards of `TaskRun`. Each name is a clause, as a diagram shows it: `[attempts left]`.

A guard takes a run and the step that is proposed. It returns True to let the step pass; a string
says why it does not, a datetime says when it will. The first line of its docstring is what
`run.why_not()` shows. The guards may be used in a lifecycle of your own.
"""

from collections.abc import Sequence
from typing import Protocol

import pendulum

from fsm.durations import after
from fsm.lifecycle.guard import Answer
from fsm.lifecycle.step import Step
from fsm.states import Cached, Mapped, Paused, Pending, Retrying, State, TimedOut
from fsm.states.timing import standing_for, start_of

from .exceptions import names_of
from .policy import Policy

__all__ = [
    "TaskRunLike",
    "attempts_left",
    "cache_fresh",
    "children_failed",
    "children_left",
    "children_of",
    "deadline_passed",
    "error_retried",
    "is_unsuccessful",
    "pause_over",
    "rescues_left",
    "start_time_reached",
    "time_left",
]


class TaskRunLike(Protocol):
    """What the guards read of a run; a `TaskRun` has all of it."""

    @property
    def policy(self) -> Policy: ...
    @property
    def attempts(self) -> int: ...
    @property
    def rescues(self) -> int: ...
    @property
    def begun_at(self) -> pendulum.DateTime | None: ...
    @property
    def deadline(self) -> pendulum.DateTime | None: ...


def attempts_left(run: TaskRunLike, step: Step) -> Answer:
    """Whether the run has made no more attempts than `Retry.max_retries`."""
    retries = run.policy.retry.max_retries
    if run.attempts <= retries:
        return True
    return f"{run.attempts} of {retries + 1} attempts are used"


def error_retried(run: TaskRunLike, step: Step) -> Answer:
    """Whether the run failed with one of the exceptions in `Retry.on`, or that is empty.

    A `TimedOut` counts as a `TimeoutError`.
    """
    retry = run.policy.retry
    if not retry.on or not step.source.is_failed():
        return True
    error = TimeoutError() if isinstance(step.source, TimedOut) else step.source.result
    if retry.covers(error):
        return True
    return f"{_name(error)} is not among what it is retried on: {', '.join(retry.on)}"


def time_left(run: TaskRunLike, step: Step) -> Answer:
    """Whether the retry would start within `Retry.within` and before `Timeout.total` is up.

    Both are counted from the beginning of the first attempt.
    """
    within, total = run.policy.retry.within, run.policy.timeout.total
    if within is total is None or not isinstance(step.dest, Retrying):
        return True
    begun, start = run.begun_at, step.dest.start_time
    if begun is None:
        return True
    if within is not None and start > (end := after(begun, within)):
        return f"it would start at {start}, and the time for retries ends at {end}"
    if total is not None and start >= (end := after(begun, total)):
        return f"it would start at {start}, and its total time ends at {end}"
    return True


def rescues_left(run: TaskRunLike, step: Step) -> Answer:
    """Whether the run has been rescued fewer times than `Retry.max_rescues`."""
    allowed = run.policy.retry.max_rescues
    if run.rescues < allowed:
        return True
    return f"{run.rescues} of {allowed} rescues are used"


def start_time_reached(run: TaskRunLike, step: Step) -> Answer:
    """Whether the `start_time` of the state, and of the state it wraps, has come."""
    if type(step.source) is Pending:  # most runs: without a start time
        return True
    start = start_of(step.source)
    return start is None or start <= step.at or start


def pause_over(run: TaskRunLike, step: Step) -> Answer:
    """Whether neither the state nor the one it wraps is a `Paused` whose time is to come."""
    ends = [each.start_time for each in standing_for(step.source) if isinstance(each, Paused)]
    return not ends or max(ends) <= step.at or max(ends)


def deadline_passed(run: TaskRunLike, step: Step) -> Answer:
    """Whether the deadline of the run has passed. A run without one may time out at any time."""
    deadline = run.deadline
    return deadline is None or deadline <= step.at or deadline


def cache_fresh(run: TaskRunLike, step: Step) -> Answer:
    """Whether the proposed `Cached` has not expired; at its expiration time it has."""
    expiration = step.dest.cached_result_expiration if isinstance(step.dest, Cached) else None
    if expiration is None or expiration > step.at:
        return True
    return f"the entry expired at {expiration.isoformat()}"


def children_failed(run: TaskRunLike, step: Step) -> Answer:
    """Whether a child of the mapped run is known to have ended without success."""
    children = children_of(step.source)
    if any(map(is_unsuccessful, children)):
        return True
    return f"none of {len(children)} children has ended without success"


def children_left(run: TaskRunLike, step: Step) -> Answer:
    """Whether a child of the mapped run is not known to have ended."""
    children = children_of(step.source)
    if not all(child is not None and _has_ended(child) for child in children):
        return True
    return f"all {len(children)} children have ended"


def children_of(state: State) -> Sequence[State | None]:
    """The states of a mapped run's children; None for a child whose state is unknown."""
    return state.map_states if isinstance(state, Mapped) else ()


def is_unsuccessful(child: State | None) -> bool:
    """Whether a child is known to have ended without success."""
    return child is not None and _has_ended(child) and not child.is_successful()


def _has_ended(child: State) -> bool:
    """Whether it has ended; after a `Looped` its run continues."""
    return child.is_finished() and not child.is_looped()


def _name(error: object) -> str:
    return next(iter(names_of(error)), "a failure without an exception")
