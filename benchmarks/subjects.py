"""The subjects: the same two states and two events, in fsm and in plain `transitions`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import transitions
from transitions.extensions import LockedMachine
from transitions.extensions.asyncio import AsyncMachine

from fsm import MemoryJournal, Run, Step, TaskRun, event
from states import Pending, Running

__all__ = [
    "AsyncMachine",
    "AsyncModel",
    "Bare",
    "FullModel",
    "LockedMachine",
    "Model",
    "Ours",
    "Payload",
    "alisten",
    "bare_model",
    "full_machine",
    "full_model",
    "listen",
    "ours",
    "shared_model",
    "task_machine",
    "task_model",
]


def ready(run: Any, step: Step) -> bool:
    """The guard."""
    return True


class Bare(Run):
    """Ours, without a guard."""

    __slots__ = ()

    begin = event(Running, source=Pending)
    back = event(Pending, source=Running)


class Ours(Run):
    """Ours, with a guard."""

    __slots__ = ()

    begin = event(Running, source=Pending, conditions=[ready])
    back = event(Pending, source=Running, conditions=[ready])


def listen(run: Any, step: Any) -> None:
    """The listener."""


async def alisten(run: Any, step: Any) -> None:
    """The async listener."""


def ours(listener: Callable[..., Any] = listen) -> Ours:
    """One run of ours, with a memory journal and a listener."""
    run = Ours(journal=MemoryJournal())
    run.after(listener)
    return run


@attrs.frozen
class Payload:
    """The payload of a model of transitions."""

    message: str | None = None
    result: Any = None
    context: Mapping[str, Any] | None = None
    cached_inputs: Mapping[str, Any] | None = None


class Model:
    """A model for plain `transitions`: its state is a name."""

    state: str


class FullModel(Model):
    """A model that has the payload, the timestamp, the history and the callback of ours."""

    def __init__(self) -> None:
        self.payload = Payload()
        self.history: list[tuple[int, Payload, int]] = []

    def ready(self, **payload: Any) -> bool:
        """The guard."""
        return True

    def keep(self, **payload: Any) -> None:
        """What happens before the state changes."""
        self.payload = Payload(**payload)
        self.history.append((len(self.history) + 1, self.payload, time.time_ns() // 1000))

    def listen(self, **payload: Any) -> None:
        """The listener."""


class AsyncModel(FullModel):
    """The same, with a listener that is awaited."""

    async def listen(self, **payload: Any) -> None:  # type: ignore[override]  # awaited
        """The async listener."""


_STATES = ["Pending", "Running"]
_BARE = [
    {"trigger": "begin", "source": "Pending", "dest": "Running"},
    {"trigger": "back", "source": "Running", "dest": "Pending"},
]
_FULL = [{**row, "conditions": "ready", "before": "keep"} for row in _BARE]


def bare_model() -> Model:
    """A model with a machine of its own, and no callbacks."""
    model = Model()
    transitions.Machine(
        model, states=_STATES, transitions=_BARE, initial="Pending", auto_transitions=False
    )
    return model


def full_machine(kind: type[Any] = transitions.Machine, model: Any = None) -> Any:
    """A machine of a class of `transitions`, for *model* or, with None, for models added later."""
    return kind(
        model,
        states=_STATES,
        transitions=_FULL,
        initial="Pending",
        auto_transitions=False,
        after_state_change="listen",
    )


def full_model(kind: type[Any] = transitions.Machine) -> Any:
    """A model with a machine of its own."""
    model = AsyncModel() if kind is AsyncMachine else FullModel()
    full_machine(kind, model)
    return model


def shared_model() -> Any:
    """A model of a machine that others may share."""
    model = FullModel()
    full_machine().add_model(model)
    return model


def task_machine(kind: Callable[..., Any] = transitions.Machine, model: Any = None) -> Any:
    """A machine with TaskRun's table: its states, events and sources, without callbacks."""
    lifecycle = TaskRun.lifecycle
    rows = [
        {"trigger": event, "source": node.__name__, "dest": row.dest.__name__}
        for node in lifecycle.nodes
        for event in lifecycle.allowed(node)
        for row in lifecycle.rows(event, node)
        if row.dest is not None
    ]
    names = [node.__name__ for node in lifecycle.nodes]
    return kind(model, states=names, transitions=rows, initial="Pending", auto_transitions=False)


def task_model() -> Model:
    """A model with a machine of its own, of TaskRun's table."""
    model = Model()
    task_machine(model=model)
    return model
