"""Outbox: listeners that are told at least once, even if the process dies after the step."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgument

if TYPE_CHECKING:
    from .run import Run
    from .step import Step

__all__ = ["Outboxed"]

_LONGEST = 200  # characters


class Outboxed:
    """A listener whose name the journal keeps with the step, until it has been told.

    What it does should bear being done twice: a process may die between telling and noting it.
    """

    def __init__(self, name: str, listener: Callable[..., Any]) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST or not name.isprintable():
            raise InvalidArgument(
                f"an outbox has a name of 1 to {_LONGEST} printable characters, not {name!r:.60}"
            )
        self.name, self.listener = name, listener
        self.__name__ = getattr(listener, "__name__", name)

    def __call__(self, run: Run, step: Step) -> Any:
        """Tell the listener, and note that it was told; not so if it raises."""
        answer = self.listener(run, step)
        if inspect.isawaitable(answer):
            return self._told(answer, run, step)
        self._note(run, step)
        return None

    async def _told(self, answer: Awaitable[Any], run: Run, step: Step) -> None:
        await answer
        self._note(run, step)

    def _note(self, run: Run, step: Step) -> None:
        if run.journal is not None:
            run.journal.told(step.run, step.seq, self.name)
