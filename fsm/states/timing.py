"""When a state allows its run to start."""

from pendulum import DateTime

from .base import State
from .meta import Queued
from .pending import Scheduled

__all__ = ["standing_for", "start_of"]


def standing_for(state: State) -> tuple[State, ...]:
    """Return *state* and, if it is a meta state that wraps another, the wrapped state."""
    wrapped = getattr(state, "state", None) if state.is_meta_state() else None
    return (state,) if wrapped is None else (state, wrapped)


def start_of(state: State) -> DateTime | None:
    """Return when the run may start: the latest `start_time` of *state* and the state it wraps.

    Returns:
        None if neither is a `Scheduled` or a `Queued`: the run may start at once.
    """
    timed = (each for each in standing_for(state) if isinstance(each, Scheduled | Queued))
    return max((each.start_time for each in timed), default=None)
