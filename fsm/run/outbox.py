"""Outbox: listeners that are called at least once, even if the process dies after the step.

This is the pattern "transactional outbox": the journal keeps the name of the listener with the
step until the listener has returned.
"""

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
    """A listener whose name the journal keeps with the step until the listener has returned.

    It should be idempotent: a process may die between the call and the note of it.
    """

    def __init__(self, name: str, listener: Callable[..., Any]) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST or not name.isprintable():
            raise InvalidArgument(
                f"an outbox has a name of 1 to {_LONGEST} printable characters, not {name!r:.60}"
            )
        self.name: str = name
        self.listener: Callable[..., Any] = listener
        self.__name__: str = getattr(listener, "__name__", name)

    def __call__(self, run: Run, step: Step) -> Any:
        """Call the listener, then mark the step as delivered; not so if the listener raises."""
        answer = self.listener(run, step)
        if inspect.isawaitable(answer):
            return _Delivery(answer, functools.partial(self._note, run, step))
        self._note(run, step)
        return None

    def _note(self, run: Run, step: Step) -> None:
        if run.journal is not None:
            run.journal.mark_delivered(step.run, step.seq, self.name)


class _Delivery:
    """The awaitable of an async listener; awaited to its end, it marks the step as delivered.

    Not a coroutine: one that is closed before it starts would leave the listener's open.
    """

    def __init__(self, answer: Awaitable[Any], note: Callable[[], None]) -> None:
        self._answer, self._note = answer, note

    def __await__(self) -> Generator[Any, Any, None]:
        yield from self._answer.__await__()
        self._note()

    def close(self) -> None:
        """Close the coroutine of a listener that will never be awaited."""
        if inspect.iscoroutine(self._answer):
            self._answer.close()
