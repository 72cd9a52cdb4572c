"""fsm: how a run moves, remembers, acts, and shows itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .draft import Draft
from .errors import (
    CallbackError,
    CorruptJournal,
    GuardRejected,
    InvalidArgument,
    InvalidLifecycle,
    JournalError,
    JournalUncertain,
    LifecycleError,
    MissingExtra,
    StaleRun,
    StepInProgress,
    TransitionError,
    TransitionNotAllowed,
    UnknownEvent,
    UnknownRun,
)
from .event import BoundEvent, Event, Transition, either, event, internal
from .journal import Claim, Journal, MemoryJournal, open_journal
from .lifecycle import Lifecycle
from .policy import Policy
from .run import Run
from .step import Step
from .task import TaskRun

if TYPE_CHECKING:
    from .delivery import Delivery, deliver
    from .rescuing import Rescued, rescue
    from .runner import Call, Runner, perform
    from .verification import Problem, verify

__all__ = [
    "BoundEvent",
    "Call",
    "CallbackError",
    "Claim",
    "CorruptJournal",
    "Delivery",
    "Draft",
    "Event",
    "GuardRejected",
    "InvalidArgument",
    "InvalidLifecycle",
    "Journal",
    "JournalError",
    "JournalUncertain",
    "Lifecycle",
    "LifecycleError",
    "MemoryJournal",
    "MissingExtra",
    "Policy",
    "Problem",
    "Rescued",
    "Run",
    "Runner",
    "StaleRun",
    "Step",
    "StepInProgress",
    "TaskRun",
    "Transition",
    "TransitionError",
    "TransitionNotAllowed",
    "UnknownEvent",
    "UnknownRun",
    "deliver",
    "either",
    "event",
    "internal",
    "open_journal",
    "perform",
    "rescue",
    "verify",
]

# What acts on runs is imported when it is first asked for: many programs only embed them.
_ROOMS = {
    "Call": "runner",
    "Delivery": "delivery",
    "Problem": "verification",
    "Rescued": "rescuing",
    "Runner": "runner",
    "deliver": "delivery",
    "perform": "runner",
    "rescue": "rescuing",
    "verify": "verification",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_ROOMS[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
