"""Outbox: listeners that are told at least once, even if the process dies after the step."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any

from fsm.errors import InvalidArgument

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step

    from .run import Run

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
            return _Telling(answer, functools.partial(self._note, run, step))
        self._note(run, step)
        return None

    def _note(self, run: Run, step: Step) -> None:
        if run.journal is not None:
            run.journal.mark_delivered(step.run, step.seq, self.name)


class _Telling:
    """What an async listener answers, noted when it has been awaited.

    No coroutine: one that is closed before it began would not close the listener's.
    """

    def __init__(self, answer: Awaitable[Any], note: Callable[[], None]) -> None:
        self._answer, self._note = answer, note

    def __await__(self) -> Generator[Any, Any, None]:
        yield from self._answer.__await__()
        self._note()

    def close(self) -> None:
        """Let go of what will never be awaited."""
        if inspect.iscoroutine(self._answer):
            self._answer.close()
