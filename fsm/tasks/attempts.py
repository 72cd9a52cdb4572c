"""Attempts: how often, and since when, a run has been tried. Read from its steps.

`Attempt` is the one rule in Python for which attempt a run is in; `TaskRun`, telemetry, stories
and timelines all use it. Journals lie below this package and need less: whether a failed run may
have retries left. They count its `retry` events: `_retries_left` in fsm/journal/memory/queries.py,
"unsettled" in fsm/journal/relational/statements.py. test_attempts.py compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fsm.journal.phase import FAILED, RUNNING
from fsm.lifecycle.step import Step
from fsm.states import Failed, Paused, Resume, Retrying, Running, State
from fsm.states.timing import standing_for

if TYPE_CHECKING:
    import pendulum

__all__ = [
    "FAILED",
    "RETRYING",
    "RUNNING",
    "Attempt",
    "attempt_of",
    "count_attempts",
    "count_rescues",
    "first_attempt_at",
    "running_since",
    "was_resumed",
]

RETRYING = "retrying"


class Attempt(NamedTuple):
    """The attempt that a run is in after some of its steps; `Attempt()` before the first.

    An attempt begins when the run enters `Running`, or fails before it could. Pausing, resuming
    and looping continue it. A `Retrying` ends it and says how many attempts there were.
    """

    number: int = 0
    entered: str = ""  # RUNNING or FAILED, which it entered last; empty before the attempt begins

    def after(self, entered: str, run_count: int | None = None) -> Attempt:
        """The attempt after the next step.

        Args:
            entered: RUNNING, FAILED or RETRYING, as the state is; any other changes nothing.
            run_count: The number of attempts that a `Retrying` carries; None if it is unknown.
        """
        if entered == RETRYING:
            return Attempt(self.number if run_count is None else run_count)
        if entered == RUNNING and self.entered != RUNNING:
            return Attempt(self.number + 1, RUNNING)
        if entered == FAILED and self.entered != FAILED:
            return Attempt(self.number + (not self.entered), FAILED)
        return self


def attempt_of(number: int, *, rescued: bool) -> int:
    """The attempt that a step belongs to, given the number of attempts after it.

    A rescue gives its attempt back, so that the next start has the same number again; the step
    itself belongs to the attempt that lost its worker.
    """
    return number + rescued


def count_attempts(steps: Sequence[Step], first: State) -> int:
    """Count the attempts that have begun, or failed before they could.

    The same rule as `Attempt`, read backwards as far as the last `Retrying`: guards ask for the
    count several times a step, and folding `Attempt` over the steps takes four times as long.
    test_attempts.py compares the two.

    Args:
        first: The state in which the run began. Its context may carry the number of attempts
            made elsewhere, as `task_run_count`.
    """
    begun, next_runs = 0, False  # attempts in the steps read; whether the next of these is Running
    for step in reversed(steps):
        dest = step.dest
        if isinstance(dest, Retrying):
            return dest.run_count + begun
        if isinstance(dest, Failed):
            begun, next_runs = (begun or 1) + next_runs, False
        elif isinstance(dest, Running):
            begun, next_runs = begun or 1, True
    if isinstance(first, Retrying):
        return first.run_count + begun
    if isinstance(first, Failed):
        begun = (begun or 1) + next_runs
    elif isinstance(first, Running):
        begun = begun or 1
    known = first.context.get("task_run_count")
    return max(begun, known if type(known) is int else 0)


def count_rescues(steps: Sequence[Step]) -> int:
    """Count how often the run lost its worker and was given back to be started again."""
    return sum(step.event == "rescue" and isinstance(step.dest, Retrying) for step in steps)


def first_attempt_at(steps: Sequence[Step]) -> pendulum.DateTime | None:
    """When the first attempt began, or failed before it could; None if none has.

    A `rerun`, or the expiration of a cached result, begins anew: attempts before it do not count.
    """
    first = None
    for step in reversed(steps):
        if step.event in ("rerun", "expire"):
            break
        if isinstance(step.dest, Running | Failed):
            first = step
    return None if first is None else first.at


def running_since(steps: Sequence[Step]) -> pendulum.DateTime | None:
    """When the run last entered `Running`; None if no step did.

    The run must be running. A step from `Running` to `Running` does not enter it.
    """
    entered = (step for step in reversed(steps) if not step.source.is_running())
    begun = next(entered, None)
    return None if begun is None else begun.at


def was_resumed(steps: Sequence[Step], first: State) -> bool:
    """Whether the run was resumed, and has not paused since.

    A pause that ends as it begins does not count: it only moves the run off a worker that stops.
    """
    for step in reversed(steps):
        if _resumes(step.dest):
            return True
        if isinstance(step.dest, Paused) and step.dest.start_time > step.at:
            return False
    return _resumes(first)


def _resumes(state: State) -> bool:
    return any(isinstance(each, Resume) for each in standing_for(state))
