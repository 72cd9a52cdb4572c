"""Machine: a lifecycle as a `transitions` machine. The only file that imports transitions.

One machine serves every run of a class and holds nothing of any run. Dispatch is compiled through
the extension points of `transitions` (`state_cls`, `transition_cls`, `event_cls`): its structures
stay as its own tools expect them, while firing goes straight to the rows of the state at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import transitions

from states import State

from .draft import Drafter, compile_draft
from .event import Transition
from .guard import Guard
from .lifecycle import Lifecycle

__all__ = ["CompiledRow", "LifecycleMachine", "machine_of"]

Fire = Callable[[Any, str, tuple[Any, ...], dict[str, Any]], State]
_STAYS = None  # what `transitions` calls an internal transition's destination


class CompiledRow:
    """One row, ready to be tried from one state: draft the payload, then ask the guards."""

    __slots__ = ("draft", "guards", "row", "stays")

    def __init__(self, event: str, row: Transition) -> None:
        self.row = row
        self.stays = row.dest is None
        self.draft: Drafter = compile_draft(event, row)
        self.guards: tuple[tuple[Guard, bool], ...] = (
            *((guard, True) for guard in row.conditions),
            *((guard, False) for guard in row.unless),
        )


class LifecycleState(transitions.State):  # type: ignore[misc]  # transitions' stubs leave it Any
    """A node. Its listeners are the run's, so entering and leaving are the step's business."""


class LifecycleTransition(transitions.Transition):  # type: ignore[misc]  # as above
    """A row as `transitions` knows it, with our own compiled beside it."""

    compiled: CompiledRow

    def execute(self, event_data: transitions.EventData) -> bool:
        """Fire the event this row belongs to; the run decides which of its rows is taken."""
        return bool(event_data.event.trigger(event_data.model, *event_data.args, **event_data.kwargs))


class LifecycleEvent(transitions.Event):  # type: ignore[misc]  # as above
    """An event whose trigger makes one step of the run it is given."""

    def trigger(self, model: Any, *args: Any, **kwargs: Any) -> bool:
        """Make one step of the run *model*; refusals raise, so the answer is always True."""
        model.trigger(self.name, *args, **kwargs)
        return True


class LifecycleMachine(transitions.Machine):  # type: ignore[misc]  # as above
    """A machine without models of its own: the runs read their state themselves."""

    state_cls = LifecycleState
    transition_cls = LifecycleTransition
    event_cls = LifecycleEvent

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

    def get_model_state(self, model: Any) -> LifecycleState:
        """Where the run *model* is, as `transitions` names it."""
        return self.get_state(type(model.state).__name__)

    def is_state(self, state: str, model: Any) -> bool:
        """Whether the run *model* is in the state of this name."""
        return type(model.state).__name__ == state

    def _compile(
        self, lifecycle: Lifecycle, node: type[State]
    ) -> Iterator[tuple[str, tuple[CompiledRow, ...]]]:
        for event in lifecycle.allowed(node):
            compiled = []
            for row in lifecycle.rows(event, node):
                dest = row.dest.__name__ if row.dest else _STAYS
                self.add_transition(
                    event, node.__name__, dest, conditions=list(row.conditions), unless=list(row.unless)
                )
                added = self.events[event].transitions[node.__name__][-1]
                added.compiled = CompiledRow(event, row)
                compiled.append(added.compiled)
            yield event, tuple(compiled)


def machine_of(lifecycle: Lifecycle) -> LifecycleMachine:
    """Compile *lifecycle*; a few milliseconds for a table of hundreds of edges."""
    return LifecycleMachine(lifecycle)
