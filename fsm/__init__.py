"""fsm: how a run moves, remembers, acts, and shows itself."""

from __future__ import annotations

from .delivery import Delivery, deliver
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
from .rescue import Rescued, rescue
from .run import Run
from .runner import Call, Runner, perform
from .step import Step
from .task import TaskRun
from .verify import Problem, verify

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
