"""fsm: how a run moves, remembers, acts, and shows itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from .journal import Claim, Journal, MemoryJournal, open_journal
from .lifecycle.event import BoundEvent, Event, Transition, either, event, internal
from .lifecycle.payload import Draft
from .lifecycle.step import Step
from .lifecycle.table import Lifecycle
from .run.refusals import Refusal
from .run.run import Run
from .tasks.cache import Cache
from .tasks.policy import Policy, Timeout
from .tasks.retry import Retry
from .tasks.task_run import TaskRun

if TYPE_CHECKING:
    from .execution.aio import aperform
    from .execution.call import Over, ResultOf
    from .execution.context import CurrentRun, current_run
    from .execution.outcome import Outcome
    from .execution.result_cache import Caches
    from .execution.runner import Call, Runner, perform
    from .explain.story import Story
    from .explain.why import Why
    from .flow.function_run import FunctionRun
    from .flow.gather import gather
    from .flow.node import Node
    from .flow.task import Task, task
    from .operations.delivery import Delivery, deliver
    from .operations.rescuing import Rescued, rescue
    from .operations.verification import Problem, verify
    from .tasks.quorum import Quorum
    from .worker.worker import Worker

__all__ = [
    "BoundEvent",
    "Cache",
    "Caches",
    "Call",
    "CallbackError",
    "Claim",
    "CorruptJournal",
    "CurrentRun",
    "Delivery",
    "Draft",
    "Event",
    "FunctionRun",
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
    "Node",
    "Outcome",
    "Over",
    "Policy",
    "Problem",
    "Quorum",
    "Refusal",
    "Rescued",
    "ResultOf",
    "Retry",
    "Run",
    "Runner",
    "StaleRun",
    "Step",
    "StepInProgress",
    "Story",
    "Task",
    "TaskRun",
    "Timeout",
    "Transition",
    "TransitionError",
    "TransitionNotAllowed",
    "UnknownEvent",
    "UnknownRun",
    "Why",
    "Worker",
    "aperform",
    "current_run",
    "deliver",
    "either",
    "event",
    "gather",
    "internal",
    "open_journal",
    "perform",
    "rescue",
    "task",
    "verify",
]

# What acts on runs is imported when it is first asked for: many programs only embed them.
_ROOMS = {
    "Caches": "fsm.execution.result_cache",
    "Call": "fsm.execution.call",
    "CurrentRun": "fsm.execution.context",
    "Delivery": "fsm.operations.delivery",
    "FunctionRun": "fsm.flow.function_run",
    "Node": "fsm.flow.node",
    "Outcome": "fsm.execution.outcome",
    "Over": "fsm.execution.call",
    "Problem": "fsm.operations.verification",
    "Quorum": "fsm.tasks.quorum",
    "Rescued": "fsm.operations.rescuing",
    "ResultOf": "fsm.execution.call",
    "Runner": "fsm.execution.runner",
    "Story": "fsm.explain.story",
    "Task": "fsm.flow.task",
    "Why": "fsm.explain.why",
    "Worker": "fsm.worker.worker",
    "aperform": "fsm.execution.aio",
    "current_run": "fsm.execution.context",
    "deliver": "fsm.operations.delivery",
    "gather": "fsm.flow.gather",
    "perform": "fsm.execution.runner",
    "rescue": "fsm.operations.rescuing",
    "task": "fsm.flow.task",
    "verify": "fsm.operations.verification",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_ROOMS[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
