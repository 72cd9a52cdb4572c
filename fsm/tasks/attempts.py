"""Tally: what the steps of a run say of how often, and since when, it has been tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.lifecycle.step import Step
from fsm.states import Failed, Paused, Resume, Retrying, Running, State
from fsm.states.timing import standing_for

if TYPE_CHECKING:
    import pendulum

__all__ = ["count", "first_began", "last_began", "rescues", "was_resumed"]


def count(steps: Sequence[Step], first: State) -> int:
    """How many have begun, or failed before they could, in a run that began in *first*.

    Resuming and looping go on with the same attempt; only what follows a `Retrying`, whose
    `run_count` is the number of attempts before it, is another.
    """
    begun = 0
    for step in reversed(steps):
        if isinstance(step.dest, Retrying):
            return step.dest.run_count + begun
        if isinstance(step.dest, Running | Failed):
            begun = 1
    if isinstance(first, Retrying):
        return first.run_count + begun
    if isinstance(first, Running | Failed):
        begun = 1
    known = first.context.get("task_run_count")
    return max(begun, known if type(known) is int else 0)


def rescues(steps: Sequence[Step]) -> int:
    """How often the run has lost its worker and got another."""
    return sum(step.event == "rescue" and isinstance(step.dest, Retrying) for step in steps)


def first_began(steps: Sequence[Step]) -> pendulum.DateTime | None:
    """When the first attempt began, or failed before it could; None if none has.

    The first since somebody ordered a rerun, or since an old result expired: that begins anew.
    """
    first = None
    for step in reversed(steps):
        if step.event in ("rerun", "expire"):
            break
        if isinstance(step.dest, Running | Failed):
            first = step
    return None if first is None else first.at


def last_began(steps: Sequence[Step]) -> pendulum.DateTime | None:
    """When the run last began to run; a step that stays in Running does not begin it anew."""
    entered = (step for step in reversed(steps) if not step.source.is_running())
    begun = next(entered, None)
    return None if begun is None else begun.at


def was_resumed(steps: Sequence[Step], first: State) -> bool:
    """Whether somebody let a run go on that began in *first*, and it has not paused since.

    A pause that is over as it begins asks nobody: its worker was only stopped.
    """
    for step in reversed(steps):
        if _resumes(step.dest):
            return True
        if isinstance(step.dest, Paused) and step.dest.start_time > step.at:
            return False
    return _resumes(first)


def _resumes(state: State) -> bool:
    return any(isinstance(each, Resume) for each in standing_for(state))
