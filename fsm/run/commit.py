"""Commit: the journal keeps a step, then the run makes it; and the listeners around that.

From the moment that the journal has kept a step, it stands, whatever interrupts: a step in its
commit is `run._pending`. Whether the journal has kept it is settled after an interrupt or, if
another one prevents that, by the next use of the run.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from fsm.errors import InvalidArgument
from fsm.lifecycle.step import Step

from .callbacks import Listener, Plan

if TYPE_CHECKING:
    from .run import Run

__all__ = ["commit", "conclude", "notify", "refuse_coroutine", "settle"]


def commit(run: Run, step: Step, plan: Plan, errors: list[Exception]) -> None:
    """Let the journal keep the step, then the run: from here on it stands.

    Raises:
        BaseException: What `append` raises. Where the journal has kept the step all the same, the
            run has made it.
    """
    run._pending = step
    journal = run.journal
    if journal is not None:
        try:
            if plan.outbox:
                journal.append(step, run.lifecycle, outbox=plan.outbox)
            else:
                journal.append(step, run.lifecycle)
        except Exception:
            run._pending = None
            raise
        except BaseException:
            settle(run)
            raise
    if plan.on_exit:
        try:
            notify(plan.on_exit, run, step, errors)
        finally:
            conclude(run, step)
        return
    if run._steps is None:  # `conclude` again, in line
        run._steps = [step]
    else:
        run._steps.append(step)
    run._state = step.dest
    run._pending = None


def conclude(run: Run, step: Step) -> None:
    """Let the step be the run's last, and its payload the state; `commit` repeats it for speed.

    Every order of an interrupt and these lines is one that `settle` can tell from the others.
    """
    steps = run._steps
    if steps is None:
        run._steps = [step]
    elif not steps or steps[-1] is not step:
        steps.append(step)
    run._state = step.dest
    run._pending = None


def settle(run: Run) -> None:
    """Find out whether a step that was interrupted in its commit stands; make it if so."""
    step = run._pending
    if step is None:
        return
    steps = run._steps
    if (steps and steps[-1] is step) or (run.journal is not None and run.journal.holds(step)):
        conclude(run, step)
    else:
        run._pending = None


def notify(
    listeners: Sequence[Listener], run: Run, step: Step, errors: list[Exception] | None
) -> None:
    """Call *listeners* in order.

    Args:
        errors: Collects their errors; None: the first error is raised.
    """
    for listener in listeners:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                refuse_coroutine(answer, listener)
        except Exception as error:  # the step is kept: call the others, report at the end
            if errors is None:
                raise
            errors.append(error)


def refuse_coroutine(answer: Any, listener: Listener) -> NoReturn:
    """Close a coroutine that a synchronous step cannot await, and say so.

    Raises:
        InvalidArgument: Always.
    """
    if close := getattr(answer, "close", None):
        close()
    name = getattr(listener, "__name__", listener)
    raise InvalidArgument(
        f"{name} is async, but the step is not; fire with `await run.event.aio()`"
    )
