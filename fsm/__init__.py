"""fsm: how a run moves, remembers, acts, and shows itself."""

from __future__ import annotations

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
from .event import BoundEvent, Event, Transition, event, internal
from .journal import Journal, MemoryJournal, open_journal
from .lifecycle import Lifecycle
from .policy import Policy
from .run import Run
from .runner import Call, Runner, perform
from .step import Step
from .task import TaskRun

__all__ = [
    "BoundEvent",
    "Call",
    "CallbackError",
    "CorruptJournal",
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
    "event",
    "internal",
    "open_journal",
    "perform",
]
