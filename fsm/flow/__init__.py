"""Functions and graphs of functions as runs.

`fsm.task` turns a function into a `Task`; `fsm.gather` performs a graph of nodes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsm.execution.mapping import Mapping

    from .function_run import FunctionRun
    from .node import Node, each
    from .task import Task

# `task` and `gather` are modules here; their functions are `fsm.task` and `fsm.gather`.
__all__ = ["FunctionRun", "Mapping", "Node", "Task", "each"]

# Names are imported on demand: each of them loads what executes runs.
_MODULES = {
    "FunctionRun": "fsm.flow.function_run",
    "Mapping": "fsm.execution.mapping",
    "Node": "fsm.flow.node",
    "Task": "fsm.flow.task",
    "each": "fsm.flow.node",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
