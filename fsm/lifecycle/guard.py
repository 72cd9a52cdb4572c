"""Guard: a condition of a step, evaluated before the step is made.

A guard is a pure function `(run, step) -> answer`: no IO, no clock (`step.at` is the time), no
firing (UML 2.5.1, 14.2.3.8: evaluating a guard has no side effects). `True` lets the step pass.
`False` rejects it, and two answers explain more: a string is the reason, and an aware datetime
is the time at which the guard will pass. Any other answer counts by its truth value.
"""

import datetime
import functools
import inspect
from collections.abc import Callable
from typing import Any

import attrs

from fsm.errors import InvalidArgument

from .step import Step

__all__ = ["Answer", "Guard", "Rejection", "label", "unwrap", "weigh"]

Answer = bool | str | datetime.datetime
Guard = Callable[[Any, Step], Answer]


@attrs.frozen(eq=False)
class Rejection:
    """The answer of one guard that rejected a step."""

    __module__ = "fsm.lifecycle"

    guard: Guard
    answer: Any
    wanted: bool  # the answer that would have passed: False for a guard under `unless`

    @property
    def reason(self) -> str | None:
        """The reason, where the guard answered with one."""
        return self.answer if isinstance(self.answer, str) else None

    @property
    def passes_at(self) -> datetime.datetime | None:
        """The time at which the guard will pass, where it answered with one."""
        return self.answer if isinstance(self.answer, datetime.datetime) else None

    @property
    def where(self) -> str:
        """The guard's `file:line`; empty for a guard that is not written in Python."""
        code = getattr(inspect.unwrap(unwrap(self.guard)), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else ""

    def __str__(self) -> str:
        said = f"[{label(self.guard)}] said {'no' if self.wanted else 'yes, which forbids it'}"
        if self.reason:
            return f"{said}: {self.reason}"
        if self.passes_at:
            return f"{said}; it passes at {self.passes_at.isoformat()}"
        return said


def unwrap(guard: Guard) -> Guard:
    """The function behind a guard that is a partial: it has the name and the docstring."""
    while isinstance(guard, functools.partial):
        guard = guard.func
    return guard


def label(guard: Guard) -> str:
    """A guard's name as diagrams and errors show it: `attempts_left` is `attempts left`."""
    guard = unwrap(guard)
    name = getattr(guard, "__name__", None) or type(guard).__name__
    return "lambda" if name == "<lambda>" else name.replace("_", " ").strip()


def weigh(guard: Guard, wanted: bool, answer: object) -> Rejection | None:
    """The rejection that *guard*'s answer means; None if the step may pass.

    Raises:
        InvalidArgument: The guard is async.
    """
    if inspect.iscoroutine(answer):
        answer.close()
        raise InvalidArgument(
            f"the guard {label(guard)} is async; a guard is a plain function (run, step)"
        )
    explains = isinstance(answer, str | datetime.datetime)
    passed = not explains and bool(answer)
    return None if passed is wanted else Rejection(guard, answer, wanted)
