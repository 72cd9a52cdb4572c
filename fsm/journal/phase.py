"""Phase: what a journal needs to know of a state to hand its run out, without its class."""

from __future__ import annotations

from fsm.states import Cached, Mapped, Pending, Queued, State, Submitted, moment
from fsm.states.timing import start_of

__all__ = ["FAILED", "FINISHED", "OTHER", "PHASES", "RUNNING", "WAITING", "due_of", "phase_of"]

WAITING, RUNNING, FAILED, FINISHED, OTHER = PHASES = (
    "waiting", "running", "failed", "finished", "other",
)  # fmt: skip


def phase_of(state: State) -> str:
    """Whether a run in *state* waits to be started, runs, has failed, or is finished.

    After a `Looped` its run goes on, as after a `Mapped` whose children are still to come, so
    those are none of these.
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
    """When time next moves a run that entered *state* at *micros*; None if it does not wait.

    One that waits for nothing is due at once. Deadlines are not asked for here: they depend on
    how long the run has been running.
    """
    if isinstance(state, Cached):
        expires = state.cached_result_expiration
        return None if expires is None else moment.to_micros(expires)
    if phase_of(state) != WAITING:
        return None
    start = start_of(state)
    return micros if start is None else moment.to_micros(start)
