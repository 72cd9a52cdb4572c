"""Look: what a state looks like on a timeline, whether or not its class is known here."""

from __future__ import annotations

from typing import Final

import attrs

from fsm.diagrams.color import safe
from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.states import State, StateError, codec

__all__ = ["Look", "look_of"]

# The first question answered yes says what kind of state it is.
_QUESTIONS: Final = (
    ("is_running", "running"),
    ("is_retrying", "retrying"),
    ("is_pending", "pending"),
    ("is_meta_state", "meta"),
    ("is_failed", "failed"),
    ("is_skipped", "skipped"),
    ("is_looped", "looped"),
    ("is_finished", "finished"),
)
_PHASES: Final = {"waiting": "pending", "running": "running", "failed": "failed"}


@attrs.frozen
class Look:
    """One state, as it is drawn."""

    name: str
    color: str  # as `#rrggbb`
    kind: str  # running, retrying, pending, meta, failed, skipped, looped, finished or other
    final: bool  # nothing more is expected of the run

    @classmethod
    def of(cls, state: State) -> Look:
        """The look of a state."""
        kind = next((kind for ask, kind in _QUESTIONS if getattr(state, ask)()), "other")
        return cls(type(state).__name__, safe(str(state.color)), kind, state.is_finished())

    @property
    def waits(self) -> bool:
        """Whether a run that is here waits for something."""
        return self.kind in ("pending", "retrying", "meta")


def look_of(step: Step | Record) -> Look:
    """The look of where *step* leads; a grey one for a class that nobody has imported."""
    if isinstance(step, Step):
        return Look.of(step.dest)
    try:
        return Look.of(codec.loads(step.payload))
    except (StateError, ValueError, RecursionError):
        over = step.phase in ("finished", "failed")
        kind = _PHASES.get(step.phase, "finished" if over else "other")
        return Look(step.dest, safe(""), kind, over)
