"""Body: what a task does is called, in the surroundings of its attempt."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fsm.states import ambient

from .context import CurrentRun, executing

__all__ = ["execute"]


def execute(
    current: CurrentRun,
    names: Mapping[str, Any],
    task: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call *task*, and return what it returns; an async one is run to its end in a loop."""
    token = executing.set(current)
    try:
        with ambient.using(**names):
            value = task(*args, **kwargs)
            if inspect.iscoroutine(value):
                import asyncio  # at the door: few need it

                return asyncio.run(value)
            return value
    finally:
        executing.reset(token)
