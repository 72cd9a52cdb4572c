"""Phases: what a journal knows of states without their classes, to find the runs that are due."""

from __future__ import annotations

from fsm.states import Cached, Mapped, Pending, Queued, State, Submitted, moment
from fsm.states.timing import start_of

__all__ = ["FAILED", "FINISHED", "OTHER", "PHASES", "RUNNING", "WAITING", "due_of", "phase_of"]

WAITING, RUNNING, FAILED, FINISHED, OTHER = PHASES = (
    "waiting", "running", "failed", "finished", "other",
)  # fmt: skip


def phase_of(state: State) -> str:
    """Return the phase of a run in *state*: waiting, running, failed, finished or other.

    A run goes on after a `Looped`, and after a `Mapped` whose children have not all ended: their
    phase is other.
    """
    if isinstance(state, Pending | Submitted | Queued):
        return WAITING
    if state.is_running():
        return RUNNING
    if state.is_failed():
        return FAILED
    if isinstance(state, Mapped) and not all(map(_has_ended, state.map_states)):
        return OTHER
    return FINISHED if state.is_finished() and not state.is_looped() else OTHER


def _has_ended(child: State | None) -> bool:
    return child is not None and child.is_finished() and not child.is_looped()


def due_of(state: State, micros: int) -> int | None:
    """Return when a run that entered *state* at *micros* may start, or expires; None if never.

    A run that waits without a start time is due at once. Deadlines are in `deadlines`.
    """
    if isinstance(state, Cached):
        expires = state.cached_result_expiration
        return None if expires is None else moment.to_micros(expires)
    if phase_of(state) != WAITING:
        return None
    start = start_of(state)
    return micros if start is None else moment.to_micros(start)
