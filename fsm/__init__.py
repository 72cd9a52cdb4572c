"""fsm: how a run moves, remembers, acts, and shows itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        CallbackError,
        CorruptJournal,
        GuardRejected,
        InvalidArgument,
        InvalidLifecycle,
        JournalError,
        LifecycleError,
        StaleRun,
        StepInProgress,
        TransitionError,
        TransitionNotAllowed,
        UnknownRun,
    )
    from .execution.aio import aperform
    from .execution.call import Call
    from .execution.context import Outcome, current_run
    from .execution.runner import Runner, perform
    from .flow.gather import gather
    from .flow.node import Node
    from .flow.task import task
    from .journal import Journal, MemoryJournal, open_journal
    from .lifecycle.event import Event, either, event, internal
    from .lifecycle.payload import Draft
    from .lifecycle.step import Step
    from .lifecycle.table import Lifecycle
    from .run.run import Run
    from .tasks import trigger_rules
    from .tasks.cache import Cache
    from .tasks.policy import Policy, Timeout
    from .tasks.quorum import Quorum
    from .tasks.retry import Retry
    from .tasks.task_run import TaskRun
    from .worker.worker import Worker

__all__ = [
    "Cache",
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
    "Lifecycle",
    "LifecycleError",
    "MemoryJournal",
    "Node",
    "Outcome",
    "Policy",
    "Quorum",
    "Retry",
    "Run",
    "Runner",
    "StaleRun",
    "Step",
    "StepInProgress",
    "TaskRun",
    "Timeout",
    "TransitionError",
    "TransitionNotAllowed",
    "UnknownRun",
    "Worker",
    "aperform",
    "current_run",
    "either",
    "event",
    "gather",
    "internal",
    "open_journal",
    "perform",
    "task",
    "trigger_rules",
]

# Each public name is imported when it is first asked for: `from states import Success` does not
# load what moves a run, and who only embeds runs does not load what executes them.
_MODULES = {
    "Cache": "fsm.tasks.cache",
    "Call": "fsm.execution.call",
    "CallbackError": "fsm.errors",
    "CorruptJournal": "fsm.errors",
    "Draft": "fsm.lifecycle.payload",
    "Event": "fsm.lifecycle.event",
    "GuardRejected": "fsm.errors",
    "InvalidArgument": "fsm.errors",
    "InvalidLifecycle": "fsm.errors",
    "Journal": "fsm.journal",
    "JournalError": "fsm.errors",
    "Lifecycle": "fsm.lifecycle.table",
    "LifecycleError": "fsm.errors",
    "MemoryJournal": "fsm.journal",
    "Node": "fsm.flow.node",
    "Outcome": "fsm.execution.context",
    "Policy": "fsm.tasks.policy",
    "Quorum": "fsm.tasks.quorum",
    "Retry": "fsm.tasks.retry",
    "Run": "fsm.run.run",
    "Runner": "fsm.execution.runner",
    "StaleRun": "fsm.errors",
    "Step": "fsm.lifecycle.step",
    "StepInProgress": "fsm.errors",
    "TaskRun": "fsm.tasks.task_run",
    "Timeout": "fsm.tasks.policy",
    "TransitionError": "fsm.errors",
    "TransitionNotAllowed": "fsm.errors",
    "UnknownRun": "fsm.errors",
    "Worker": "fsm.worker.worker",
    "aperform": "fsm.execution.aio",
    "current_run": "fsm.execution.context",
    "either": "fsm.lifecycle.event",
    "event": "fsm.lifecycle.event",
    "gather": "fsm.flow.gather",
    "internal": "fsm.lifecycle.event",
    "open_journal": "fsm.journal",
    "perform": "fsm.execution.runner",
    "task": "fsm.flow.task",
}

# Public names that are modules themselves.
_SUBMODULES = {"trigger_rules": "fsm.tasks.trigger_rules"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        found = import_module(_SUBMODULES[name])
    elif name in _MODULES:
        found = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_SUBMODULES})
