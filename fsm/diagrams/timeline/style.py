"""How a state is drawn on a timeline, whether or not its class has been imported."""

from __future__ import annotations

from typing import Final

import attrs

from fsm.diagrams.color import as_hex
from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.states import State, StateError, loads

__all__ = ["StateStyle", "style_of"]

# The first question answered with yes says what kind of state it is.
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
class StateStyle:
    """The name, the colour and the kind of a state."""

    name: str
    color: str  # as `#rrggbb`
    kind: str  # running, retrying, pending, meta, failed, skipped, looped, finished or other
    final: bool  # a finished state

    @classmethod
    def of(cls, state: State) -> StateStyle:
        """Return the style of a state."""
        kind = next((kind for ask, kind in _QUESTIONS if getattr(state, ask)()), "other")
        return cls(type(state).__name__, as_hex(str(state.color)), kind, state.is_finished())


def style_of(step: Step | Record) -> StateStyle:
    """Return the style of the state that *step* leads to; grey if its class is not imported."""
    if isinstance(step, Step):
        return StateStyle.of(step.dest)
    try:
        return StateStyle.of(loads(step.payload))
    except (StateError, ValueError, RecursionError):
        over = step.phase in ("finished", "failed")
        kind = _PHASES.get(step.phase, "finished" if over else "other")
        return StateStyle(step.dest, as_hex(""), kind, over)
