"""Guard: a question asked of a step before it is made.

A guard is a pure function `(run, step) -> answer`: no IO, no clock (`step.at` is the time), no
firing (UML 2.5.1, 14.2.3.8: evaluating a guard has no side effects). `True` lets the step pass.
`False` does not, and two answers refuse more helpfully: a string says why, and an aware datetime
says when the guard will pass. Anything else counts by its truth.
"""

from __future__ import annotations

import datetime
import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import InvalidArgument

if TYPE_CHECKING:
    from .step import Step

__all__ = ["Answer", "Guard", "Rejection", "called", "label", "weigh"]

Answer = bool | str | datetime.datetime
Guard = Callable[[Any, "Step"], Answer]


@attrs.frozen(eq=False)
class Rejection:
    """One guard's no, and what it said."""

    guard: Guard
    answer: Any
    wanted: bool  # False where the guard stands under `unless`

    @property
    def reason(self) -> str | None:
        """Why, where the guard said so."""
        return self.answer if isinstance(self.answer, str) else None

    @property
    def passes_at(self) -> datetime.datetime | None:
        """When the guard will pass, where it said so."""
        return self.answer if isinstance(self.answer, datetime.datetime) else None

    @property
    def where(self) -> str:
        """The guard's `file:line`, or the empty string for one that was not written in Python."""
        code = getattr(inspect.unwrap(called(self.guard)), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else ""

    def __str__(self) -> str:
        said = f"[{label(self.guard)}] said {'no' if self.wanted else 'yes, which forbids it'}"
        if self.reason:
            return f"{said}: {self.reason}"
        if self.passes_at:
            return f"{said}; it passes at {self.passes_at.isoformat()}"
        return said


def called(guard: Guard) -> Guard:
    """What a guard calls, where it is a partial: that has the name, and says what it is for."""
    while isinstance(guard, functools.partial):
        guard = guard.func
    return guard


def label(guard: Guard) -> str:
    """A guard's name as it reads in diagrams and errors: `attempts_left` is `attempts left`."""
    guard = called(guard)
    name = getattr(guard, "__name__", None) or type(guard).__name__
    return "lambda" if name == "<lambda>" else name.replace("_", " ").strip()


def weigh(guard: Guard, wanted: bool, answer: object) -> Rejection | None:
    """Return the rejection that *guard*'s answer is, or None if the step may pass."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise InvalidArgument(f"the guard {label(guard)} is async; a guard answers at once")
    explains = isinstance(answer, str | datetime.datetime)
    passed = not explains and bool(answer)
    return None if passed is wanted else Rejection(guard, answer, wanted)
