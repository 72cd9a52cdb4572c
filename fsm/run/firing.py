"""Firing: one event on one run, in the order of a step; and steps that others have made.

    decide  the payload → guards                                          (fsm/run/decision.py)
            → state handlers → before
    commit  journal.append → on_exit → the state changes
    notify  on_enter → on_final → after → posted events

Up to the append nothing has happened, and an error stops the step. From the append on the step
stands: every listener is still called, and their errors are raised together as one `CallbackError`.
fsm/run/aio.py is the same with listeners awaited.

"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

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

from . import lock
from .callbacks import Plan
from .commit import commit, conclude, notify, refuse_coroutine, settle
from .decision import ABSENT, decide, replacement
from .refusals import keep, note

if TYPE_CHECKING:
    from fsm.lifecycle.refusal import Refusal

    from .machine import CompiledRow
    from .run import Run

__all__ = [
    "catch_up",
    "end",
    "find_key",
    "fire",
    "fire_once",
    "look",
    "missing_steps",
    "post",
    "refusal",
    "replace",
    "row_of",
    "under_lock",
]

T = TypeVar("T")

logger: logging.Logger = logging.getLogger(__name__)


def fire(
    event: str,
    run: Run,
    /,
    *args: Any,
    message: Any = ABSENT,
    result: Any = ABSENT,
    **kwargs: Any,
) -> State:
    """Make one step of *run*, then the steps that were posted during it.

    The two arguments that most callers give are parameters of their own: that is faster than
    looking them up in a dict.

    Returns:
        The state entered.
    """
    me = get_ident() + lock.forks
    errors: list[Exception] = []
    fresh = None
    while run._owner is not None:
        lock.wait(run, me)
    try:
        with run._lock:
            run._owner = me
            try:
                if run._pending is not None:
                    settle(run)
                step, row = decide(run, event, args, kwargs, message, result)
                plan = (run._callbacks or run.callbacks).plan(row)
                if plan.early:
                    step, plan = consult(run, step, plan)
                commit(run, step, plan, errors)
                if plan.arrived:
                    notify(plan.arrived, run, step, errors)
                if run._extras:
                    make_posted(run, errors)
            except BaseException as refused:
                fresh = note(run, event, refused)
                raise
            finally:
                run._owner = None
    except BaseException as refused:
        end(run, refused, fresh)
        raise
    if run._extras:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def under_lock(run: Run, work: Callable[[], T], event: str | None = None) -> T:
    """Call *work* under the run's lock, so that no other step is made; then fire what was posted.

    `fire` is the same in line.

    Args:
        event: Whose refusal an error of *work* is, if any.

    Raises:
        StepInProgress: The caller makes a step of the run, or one that this run waits for.
    """
    me = lock.whoami()
    fresh = None
    while run._owner is not None:
        lock.wait(run, me)
    try:
        with run._lock:
            run._owner = me
            try:
                settle(run)
                answer = work()
            except BaseException as refused:
                if event is not None:
                    fresh = note(run, event, refused)
                raise
            finally:
                run._owner = None
    except BaseException as refused:
        end(run, refused, fresh)
        raise
    if run._extras:
        post(run)
    return answer


def fire_once(
    key: str, event: str, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> State:
    """Fire under the idempotency key *key*, unless a step of this run has that key already."""
    errors: list[Exception] = []

    def work() -> Step:
        step = find_key(run, key, event)
        if step is None:
            step = make(run, event, args, kwargs, key, errors)
            make_posted(run, errors)
        return step

    step = under_lock(run, work, event)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def find_key(run: Run, key: str, event: str) -> Step | None:
    """The step of the run with the idempotency key *key*.

    Raises:
        InvalidArgument: It is a step of another event.
    """
    step = next((step for step in run._steps or () if step.key == key), None)
    if step is not None and step.event != event:
        raise InvalidArgument(f"the key {key!r} belongs to a step of {step.event}, not of {event}")
    return step


def make(
    run: Run,
    event: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    key: str | None,
    errors: list[Exception],
) -> Step:
    """Decide, commit and notify, as `fire` does, under a lock that the caller holds."""
    step, row = decide(run, event, args, kwargs, key=key)
    plan = (run._callbacks or run.callbacks).plan(row)
    if plan.early:
        step, plan = consult(run, step, plan)
    commit(run, step, plan, errors)
    notify(plan.arrived, run, step, errors)
    return step


def consult(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """Call state handlers and `before` listeners; return the step to make and its listeners."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
        if wanted is not None and inspect.isawaitable(wanted):
            refuse_coroutine(wanted, handler)
        if wanted is not None and wanted is not step.dest:
            step, plan = replace(run, step, plan, wanted)
    notify(plan.before, run, step, None)
    return step, plan


def replace(run: Run, step: Step, plan: Plan, wanted: object) -> tuple[Step, Plan]:
    """The step to the state that a handler wants; the proposed one where a guard rejects that."""
    try:
        step, row = replacement(run, step, wanted)
    except GuardRejected as refused:
        logger.warning(
            "run %s: the state of a state handler is refused: %s; %r stands", run.id, refused, step
        )
        return step, plan
    return step, (run._callbacks or run.callbacks).plan(row)


def settle_if_free(run: Run) -> None:
    """Settle for a caller who reads the run, unless a step is in progress."""
    if run._owner is None or not run._lock.locked():
        under_lock(run, lambda: None)


def look(run: Run, ask: Callable[[], T]) -> T:
    """Call *ask* while no step is made, also from inside a step of the run; return its answer."""
    return ask() if lock.is_mine(run, lock.whoami()) else under_lock(run, ask)


def refusal(event: str, run: Run, /, *args: Any, **kwargs: Any) -> TransitionError | None:
    """The error that firing now would raise; None where it would pass. Nothing is moved."""
    try:
        look(run, lambda: decide(run, event, args, kwargs))
    except StepInProgress:  # a guard fired: that says nothing about this event
        raise
    except TransitionError as refused:
        return refused
    return None


def post(run: Run) -> None:
    """Fire what has been posted, unless a step is in progress, which fires it at its end."""
    while run._extras and not run._lock.locked():
        errors: list[Exception] = []
        try:
            step = under_lock(run, functools.partial(make_posted, run, errors))
        except StepInProgress:  # of another thread, which fires them at its end
            return
        if errors:
            raise CallbackError.of(step, errors) if step is not None else errors[0]


def end(run: Run, refused: BaseException, fresh: Refusal | None) -> None:
    """After an error: keep the refusal *fresh* in the journal, and fire what was posted.

    Errors of posted events become notes of *refused*.
    """
    if fresh is not None:
        keep(run, fresh)
    if run._extras:
        try:
            post(run)
        except Exception as error:
            refused.add_note(f"a posted event failed too: {error!r}")


def make_posted(run: Run, errors: list[Exception]) -> Step | None:
    """Make the posted steps in order, and collect their errors in *errors*."""
    last = None
    while run._extras:
        event, args, kwargs = run._extras.popleft()
        try:
            last = make(run, event, args, kwargs, None, errors)
        except Exception as error:  # no caller waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
            if (fresh := note(run, event, error)) is not None:
                keep(run, fresh)
    return last


def catch_up(run: Run) -> tuple[Step, ...]:
    """Take over the steps that other writers have made of *run*; see `Run.catch_up`."""
    if run.journal is None:
        return ()
    errors: list[Exception] = []

    def work() -> list[Step]:
        missed = missing_steps(run)
        for step in missed:
            plan = (run._callbacks or run.callbacks).plan(row_of(run, step))
            run._pending = step
            try:
                notify(plan.on_exit, run, step, errors)
            finally:
                conclude(run, step)
            notify(plan.arrived, run, step, errors)
        return missed

    missed = under_lock(run, work)
    if errors:
        raise CallbackError.of(missed[-1], errors)
    return tuple(missed)


def missing_steps(run: Run) -> list[Step]:
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


def row_of(run: Run, step: Step) -> CompiledRow:
    """The row of the step; of several rows to one state the first: listeners are the same."""
    return next(
        row
        for row in run.machine.rows[type(step.source)][step.event]
        if row.dest is type(step.dest)
    )
