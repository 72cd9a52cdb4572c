"""Performs callables under the lifecycle of runs, in this process or in others.

`decide` yields commands without IO. A `Job` carries out the commands of one run, a `Scheduler`
many jobs side by side, and a `Pool` is where their tasks are executed. `run_remote_task` is the
entry point in a worker process. `Runner` and `perform` are also in `fsm`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .aio import aperform
    from .call import Call
    from .context import CurrentRun, Outcome, current_run
    from .mapping import ResultOf
    from .result_cache import Caches
    from .runner import Runner, perform

__all__ = [
    "Caches",
    "Call",
    "CurrentRun",
    "Outcome",
    "ResultOf",
    "Runner",
    "aperform",
    "current_run",
    "perform",
]

# Names are imported on demand: a program that only embeds runs does not load what performs them.
_MODULES = {
    "Caches": "result_cache",
    "Call": "call",
    "CurrentRun": "context",
    "Outcome": "context",
    "ResultOf": "mapping",
    "Runner": "runner",
    "aperform": "aio",
    "current_run": "context",
    "perform": "runner",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
