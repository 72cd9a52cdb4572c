"""Machine: a lifecycle as a `transitions` machine. The only file that imports transitions.

One machine serves every run of a class and holds nothing of any run. Dispatch is compiled through
the extension points of `transitions` (`state_cls`, `transition_cls`, `event_cls`): its structures
stay as its own tools expect them, while firing looks up the rows of the run's state directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import transitions

from fsm.lifecycle.event import Transition
from fsm.lifecycle.guard import Guard
from fsm.lifecycle.payload import Drafter, compile_draft, is_plain
from fsm.lifecycle.table import Lifecycle
from fsm.states import State

__all__ = ["CompiledRow", "LifecycleMachine"]


class CompiledRow:
    """One row, compiled for one source: builds the payload, then evaluates the guards."""

    __slots__ = ("dest", "draft", "event", "guards", "plain", "row", "source", "stays")

    def __init__(self, event: str, source: type[State], row: Transition) -> None:
        self.event: str = event
        self.row: Transition = row
        self.source: type[State] = source
        self.dest: type[State] = row.dest or source
        self.stays: bool = row.dest is None
        self.draft: Drafter = compile_draft(event, row)
        self.plain: bool = is_plain(source, row)
        self.guards: tuple[tuple[Guard, bool], ...] = (
            *((guard, True) for guard in row.conditions),
            *((guard, False) for guard in row.unless),
        )


class LifecycleState(transitions.State):
    """A node. Listeners are the run's, so `transitions` enters and leaves it without callbacks."""


class LifecycleTransition(transitions.Transition):
    """A row as `transitions` knows it, for its tools."""

    def execute(self, event_data: transitions.EventData) -> bool:
        """Fire the event of this row; the run decides which of its rows is taken."""
        return bool(
            event_data.event.trigger(event_data.model, *event_data.args, **event_data.kwargs)
        )


class LifecycleEvent(transitions.Event):
    """An event whose trigger makes one step of the run it is given."""

    def trigger(self, model: Any, *args: Any, **kwargs: Any) -> bool:
        """Make one step of the run *model*. Always True: a refusal raises."""
        model.trigger(self.name, *args, **kwargs)
        return True


class LifecycleMachine(transitions.Machine):
    """A machine without registered models: runs keep their state themselves."""

    state_cls: type[transitions.State] = LifecycleState
    transition_cls: type[transitions.Transition] = LifecycleTransition
    event_cls: type[transitions.Event] = LifecycleEvent

    def __init__(self, lifecycle: Lifecycle) -> None:
        super().__init__(
            model=None,
            states=[
                {"name": node.__name__, "final": node in lifecycle.finals}
                for node in lifecycle.nodes
            ],
            initial=lifecycle.initial.__name__,
            auto_transitions=False,
            send_event=True,
            name=lifecycle.name,
        )
        self.rows: dict[type[State], dict[str, tuple[CompiledRow, ...]]] = {}
        for node in lifecycle.nodes:
            self.rows[node] = dict(self._compile(lifecycle, node))

    def get_model_state(self, model: Any) -> transitions.State:
        """The state of the run *model*, as `transitions` names it."""
        return self.get_state(type(model.state).__name__)

    def is_state(self, state: str | Enum, model: Any) -> bool:
        """Whether the run *model* is in the state of this name."""
        return bool(type(model.state).__name__ == state)

    def _compile(
        self, lifecycle: Lifecycle, node: type[State]
    ) -> Iterator[tuple[str, tuple[CompiledRow, ...]]]:
        for event in lifecycle.allowed(node):
            rows = lifecycle.rows(event, node)
            for row in rows:
                dest = row.dest.__name__ if row.dest else None  # None: an internal transition
                guards: Any = {"conditions": [*row.conditions], "unless": [*row.unless]}
                self.add_transition(event, node.__name__, dest, **guards)
            yield event, tuple(CompiledRow(event, node, row) for row in rows)
