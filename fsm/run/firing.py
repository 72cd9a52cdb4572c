"""Firing: one event on one run, in the order of a step; and steps that others have made.

    draft the payload → guards → state handlers → before → journal.append
    → on_exit → the state changes → on_enter → on_final → after → posted events

Up to the append nothing has happened, and an error stops the step. From the append on the step
stands: every listener is still called, and their errors are raised together as one `CallbackError`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fsm.errors import (
    CallbackError,
    GuardRejected,
    InvalidArgument,
    StepInProgress,
    TransitionError,
    UnknownRun,
)
from fsm.lifecycle.step import Step
from fsm.states import State, ambient

from .callbacks import Listener, Plan
from .decision import ABSENT, propose, replacement, with_named
from .lock import acquire_when_free, is_mine
from .refusals import keep, note

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = [
    "catch_up",
    "conclude",
    "end_refused",
    "fire",
    "fire_once",
    "keep_up",
    "notify",
    "post",
    "refusal",
    "refuse_coroutine",
    "release",
    "replace",
    "under_lock",
]

T = TypeVar("T")

logger = logging.getLogger(__name__)

NO_ROWS: Mapping[type[State], CompiledRow] = {}


def fire(
    event: str, run: Run, /, *args: Any, message: Any = ABSENT, result: Any = ABSENT, **more: Any
) -> State:
    """Make one step of *run*, then the steps that were posted during it.

    The two arguments that most callers give are parameters of their own: that is faster than
    looking them up in a dict.

    Returns:
        The state entered.
    """
    if not run._lock.acquire(False):
        acquire_when_free(run)
    errors: list[Exception] = []
    try:
        run._owner = get_ident()
        source = run._state
        if source is None:
            source = run.state
        row = run._short_cuts.get(event, NO_ROWS).get(type(source))
        step = None if row is None or args or more else row.short_cut(run, source, message, result)
        if row is None or step is None:
            step, row = propose(event, run, args, with_named(more, message, result))
        plan = (run._callbacks or run.callbacks).plan(row)
        if plan.early:
            step = _take(run, step, plan, errors)
        else:  # `_take` again without its calls, which would cost a tenth of a step
            journal = run.journal
            if journal is not None:
                try:
                    journal.append(step, run.lifecycle)
                except BaseException as error:
                    keep_up(run, step, error)
                    raise
            run._state = step.dest
            if run._steps is None:
                run._steps = [step]
            else:
                run._steps.append(step)
            for listener in plan.arrived:
                try:
                    answer = listener(run, step)
                    if answer is not None and inspect.isawaitable(answer):
                        refuse_coroutine(answer, listener)
                except Exception as error:
                    errors.append(error)
        if run._extras:
            make_posted(run, errors)
    except BaseException as refused:
        end_refused(run, event, refused)
        raise
    run._owner = None
    run._lock.release()
    if run._extras:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def fire_once(
    key: str, event: str, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> State:
    """Fire under the idempotency key *key*, unless a step of this run has that key already."""
    if not run._lock.acquire(False):
        acquire_when_free(run)
    errors: list[Exception] = []
    try:
        run._owner = get_ident()
        made = next((step for step in run._steps or () if step.key == key), None)
        if made is None:
            proposed, row = propose(event, run, args, kwargs)
            plan = (run._callbacks or run.callbacks).plan(row)
            made = _take(run, proposed._replace(key=key), plan, errors)
            make_posted(run, errors)
        elif made.event != event:
            raise InvalidArgument(
                f"the key {key!r} belongs to a step of {made.event}, not of {event}"
            )
    except BaseException as refused:
        end_refused(run, event, refused)
        raise
    release(run, None)
    if errors:
        raise CallbackError.of(made, errors)
    return made.dest


def refusal(event: str, run: Run, /, *args: Any, **kwargs: Any) -> TransitionError | None:
    """The error that firing now would raise; None where it would pass. Nothing is moved."""
    try:
        under_lock(run, lambda: propose(event, run, args, kwargs))
    except StepInProgress:  # a guard fired: that says nothing about this event
        raise
    except TransitionError as refused:
        return refused
    return None


def under_lock(run: Run, ask: Callable[[], T]) -> T:
    """Call *ask* under the run's lock, so that no step is made meanwhile; return its answer.

    Called from inside a step of the run, it takes no second lock. A guard that fires in it gets
    `StepInProgress`.
    """
    if is_mine(run, get_ident()):
        return ask()
    if not run._lock.acquire(False):
        acquire_when_free(run)
    run._owner = get_ident()
    try:
        return ask()
    finally:
        release(run, None)


def post(run: Run) -> None:
    """Fire what has been posted, unless a step is in progress, which fires it at its end."""
    while run._extras and run._lock.acquire(False):
        errors: list[Exception] = []
        try:
            run._owner = get_ident()
            step = make_posted(run, errors)
        finally:
            run._owner = None
            run._lock.release()
        if errors and step is not None:
            raise CallbackError.of(step, errors)
        if errors:
            raise errors[0]


def release(run: Run, refused: BaseException | None) -> None:
    """Free the run's lock and fire what was posted meanwhile.

    Args:
        refused: The error of the step, if any; errors of posted events become notes of it.
    """
    run._owner = None
    run._lock.release()
    if run._extras:
        try:
            post(run)
        except Exception as error:
            if refused is None:
                raise
            refused.add_note(f"a posted event failed too: {error!r}")


def end_refused(run: Run, event: str, error: BaseException) -> None:
    """Free the lock after a step that was refused; keep the refusal in the run and its journal."""
    try:
        fresh = note(run, event, error)
    finally:  # also where the note fails
        release(run, error)
    if fresh is not None:
        keep(run, fresh)


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


def conclude(run: Run, step: Step) -> None:
    """Let the step be the run's last: the one place where a state changes.

    `fire` and `afire` repeat these lines for speed.
    """
    run._state = step.dest
    if run._steps is None:
        run._steps = [step]
    else:
        run._steps.append(step)


def keep_up(run: Run, step: Step, error: BaseException) -> None:
    """After an interrupt during an append: move if the journal has kept the step."""
    if not isinstance(error, Exception) and run.journal is not None and run.journal.holds(step):
        conclude(run, step)


def make_posted(run: Run, errors: list[Exception]) -> Step | None:
    """Make the posted steps in order, and collect their errors in *errors*."""
    last = None
    while run._extras:
        event, args, kwargs = run._extras.popleft()
        try:
            step, row = propose(event, run, args, kwargs)
            plan = (run._callbacks or run.callbacks).plan(row)
            last = _take(run, step, plan, errors)
        except Exception as error:  # no caller waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
            if (fresh := note(run, event, error)) is not None:
                keep(run, fresh)
    return last


def _take(run: Run, step: Step, plan: Plan, errors: list[Exception]) -> Step:
    """Make the step that was proposed, or the one that a state handler returns instead."""
    if plan.handler:
        step, plan = _call_handlers(run, step, plan)
    notify(plan.before, run, step, None)
    if run.journal is not None:
        try:
            run.journal.append(step, run.lifecycle, outbox=plan.outbox)
        except BaseException as error:
            keep_up(run, step, error)
            raise
    try:
        notify(plan.on_exit, run, step, errors)
    finally:  # a KeyboardInterrupt, too, must find memory and journal in agreement
        conclude(run, step)
    notify(plan.arrived, run, step, errors)
    return step


def _call_handlers(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """The step after all state handlers have seen it, and the listeners of that step."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
        if wanted is not None and inspect.isawaitable(wanted):
            refuse_coroutine(wanted, handler)
        if wanted is not None and wanted is not step.dest:
            step, plan = replace(run, step, plan, wanted)
    return step, plan


def replace(run: Run, step: Step, plan: Plan, wanted: object) -> tuple[Step, Plan]:
    """The step to the state that a handler wants; the proposed one where a guard rejects that."""
    try:
        step, row = replacement(run, step, wanted)
    except GuardRejected as refused:
        logger.warning(
            "run %s: a state handler wanted another state: %s; %r is made instead",
            run.id,
            refused,
            step,
        )
        return step, plan
    return step, (run._callbacks or run.callbacks).plan(row)


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


def catch_up(run: Run) -> tuple[Step, ...]:
    """Take over the steps that other writers have made of *run*; see `Run.catch_up`."""
    if run.journal is None:
        return ()
    if not run._lock.acquire(False):
        acquire_when_free(run)
    errors: list[Exception] = []
    missed: list[Step] = []
    try:
        run._owner = get_ident()
        missed = _missing_steps(run)
        for step in missed:
            _follow(run, step, errors)
    except BaseException as refused:
        release(run, refused)
        raise
    release(run, None)
    if errors:
        raise CallbackError.of(missed[-1], errors)
    return tuple(missed)


def _missing_steps(run: Run) -> list[Step]:
    """The steps that the journal has and the run has not yet."""
    assert run.journal is not None
    known = list(run._steps or ())
    try:
        kept = list(run.journal.steps(run.id))
    except UnknownRun:
        return []
    fresh = kept[len(known) :]
    if fresh:
        run.lifecycle.check_history(run.id, known + fresh)
    return fresh


def _follow(run: Run, step: Step, errors: list[Exception]) -> None:
    """Let the run make a step of another writer, and call the listeners of this process."""
    plan = (run._callbacks or run.callbacks).plan(_row(run, step))
    try:
        notify(plan.on_exit, run, step, errors)
    finally:
        conclude(run, step)
    notify(plan.arrived, run, step, errors)


def _row(run: Run, step: Step) -> CompiledRow:
    """The row of the step; of several rows to one state the first: listeners are the same."""
    return next(
        row
        for row in run.machine.rows[type(step.source)][step.event]
        if row.dest is type(step.dest)
    )
