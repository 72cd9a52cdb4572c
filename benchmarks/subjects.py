"""Subjects: the same two states and two events, in ours and in the peers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from fsm import Run, Step, event
from states import Pending, Running

__all__ = ["Ours", "TransitionsModel", "listen", "ours", "transitions_machine"]


def ready(run: Any, step: Step) -> bool:
    """The guard."""
    return True


class Ours(Run):
    """Ours."""

    __slots__ = ()

    begin = event(Running, source=Pending, conditions=[ready])
    back = event(Pending, source=Running, conditions=[ready])


def listen(run: Any, step: Any) -> None:
    """The listener."""


async def alisten(run: Any, step: Any) -> None:
    """The async listener."""


def ours(*, listener: Callable[..., Any] | None = listen) -> Ours:
    """One run of ours, with a listener."""
    run = Ours()
    if listener is not None:
        run.after(listener)
    return run


@attrs.frozen
class Payload:
    """What a model of transitions carries in the same way."""

    message: str | None = None
    result: Any = None


class TransitionsModel:
    """A model for plain `transitions` that does what our step does, with its own means."""

    state: str

    def __init__(self) -> None:
        self.payload = Payload()
        self.history: list[Any] = []

    def ready(self, **payload: Any) -> bool:
        return True

    def keep(self, **payload: Any) -> None:
        self.payload = Payload(**payload)
        self.history.append((len(self.history) + 1, self.payload, time.time_ns() // 1000))

    def listen(self, **payload: Any) -> None:
        pass


TRANSITIONS = {
    "states": ["Pending", "Running"],
    "initial": "Pending",
    "auto_transitions": False,
    "after_state_change": "listen",
    "transitions": [
        {
            "trigger": "begin",
            "source": "Pending",
            "dest": "Running",
            "conditions": "ready",
            "before": "keep",
        },
        {
            "trigger": "back",
            "source": "Running",
            "dest": "Pending",
            "conditions": "ready",
            "before": "keep",
        },
    ],
}


def transitions_machine(kind: type[Any], model: Any = None) -> Any:
    """A machine of `transitions`, with *model* or a fresh one."""
    return kind(model=TransitionsModel() if model is None else model, **TRANSITIONS)
