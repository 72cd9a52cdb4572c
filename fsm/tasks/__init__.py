"""`TaskRun`, its table, and the policies that its guards read. Data and pure functions.

The modules `guards`, `prepare`, `trigger_rules` and `validators` hold functions that a lifecycle
or a policy of your own may use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cache import Cache
    from .policy import Policy, Timeout
    from .quorum import Quorum
    from .retry import Retry
    from .task_run import TaskRun
    from .timers import Due, due, due_at

__all__ = ["Cache", "Due", "Policy", "Quorum", "Retry", "TaskRun", "Timeout", "due", "due_at"]

# Names are imported on demand: who reads a policy does not load the engine that moves a run.
_MODULES = {
    "Cache": "cache",
    "Due": "timers",
    "Policy": "policy",
    "Quorum": "quorum",
    "Retry": "retry",
    "TaskRun": "task_run",
    "Timeout": "policy",
    "due": "timers",
    "due_at": "timers",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
