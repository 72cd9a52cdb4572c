"""Firing: one event on one run, in the order of a step.

    draft the payload → guards → state handlers → before → journal.append
    → on_exit → the state changes → on_enter → on_final → after → posted events

Up to the append nothing has happened, and whoever raises stops it. From the append on the step
stands: every listener is still told, and their errors come out together as one `CallbackError`.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from states import State

from .callbacks import Listener, Plan
from .errors import (
    CallbackError,
    GuardRejected,
    InvalidArgument,
    TransitionError,
    TransitionNotAllowed,
    UnknownEvent,
)
from .guard import Rejection, weigh
from .step import Step
from .turn import wait_for_turn

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = ["conclude", "fire", "forget", "plan_of", "post", "propose", "refusal", "replace", "tell"]

_get_ident = threading.get_ident


def fire(run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> State:
    """Make one step of *run*, then the steps its listeners posted; return the state entered."""
    if not run._lock.acquire(blocking=False):
        wait_for_turn(run)
    try:
        run._owner = _get_ident()
        step, errors = _make(run, event, args, kwargs)
        if run._posted:
            _make_posted(run, errors)
    finally:
        run._owner = None
        run._lock.release()
        if run._posted:  # by another thread just now, or in a step that was then refused
            post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def refusal(
    run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TransitionError | None:
    """The refusal that firing now would meet, or None; nothing is moved or told."""
    try:
        propose(run, event, args, kwargs)
    except TransitionError as error:
        return error
    return None


def post(run: Run) -> None:
    """Fire what has been posted, unless a step is in progress, which then does so at its end."""
    while run._posted and run._lock.acquire(blocking=False):
        errors: list[Exception] = []
        try:
            run._owner = _get_ident()
            step = _make_posted(run, errors)
        finally:
            run._owner = None
            run._lock.release()
        if errors and step is not None:
            raise CallbackError.of(step, errors)
        if errors:
            raise errors[0]


def propose(
    run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Step, CompiledRow]:
    """Draft the step and ask its guards; nothing has happened yet.

    Raises:
        TransitionNotAllowed: No row leads from here under *event*.
        GuardRejected: Rows do, but each had a guard that said no.
    """
    source = run.state
    rows = run._leading(event)
    if not rows:
        _refuse(run, event, source)
    micros = run._micros()
    rejections: list[Rejection] = []
    for row in rows:
        given = kwargs if len(rows) == 1 else dict(kwargs)  # a draft fills in what it is given
        step = run._step(event, source, row.draft(run, source, args, given, micros), micros)
        rejected = _weigh(row, run, step)
        if not rejected:
            return step, row
        rejections += rejected
    error = GuardRejected(event, source, rejections)
    for rejection in rejections:
        error.add_note(f"guard: {rejection.where}")
    raise error


def replace(run: Run, step: Step, wanted: object) -> tuple[Step, CompiledRow]:
    """The step that leads to the payload a state handler wants instead, if that is legal.

    Raises:
        InvalidArgument: What the handler returned is not a state.
        TransitionNotAllowed: No row leads from here to such a state.
        GuardRejected: Rows do, but their guards said no.
    """
    if not isinstance(wanted, State):
        raise InvalidArgument(f"a state handler returns a state or None, not {wanted!r}")
    rejections: list[Rejection] = []
    lifecycle, source = type(run).lifecycle, type(step.source)
    events = lifecycle.leading(source, type(wanted))
    for event in sorted(events, key=lambda name: name != step.event):  # its own event, if it can
        for row in run._leading(event):
            if row.row.dest is type(wanted):
                other = attrs.evolve(step, event=event, dest=wanted)
                rejected = _weigh(row, run, other)
                if not rejected:
                    return other, row
                rejections += rejected
    if rejections:
        raise GuardRejected(f"enter {type(wanted).__name__}", step.source, rejections)
    raise TransitionNotAllowed(
        f"enter {type(wanted).__name__}", step.source, lifecycle.allowed(source)
    )


def plan_of(run: Run, step: Step, row: CompiledRow) -> Plan:
    """Who is to be told of *step*."""
    callbacks = run._callbacks or type(run).callbacks
    return callbacks.plan(step.event, type(step.source), type(step.dest), row.stays)


def tell(
    listeners: Sequence[Listener], run: Run, step: Step, errors: list[Exception] | None
) -> None:
    """Call *listeners* in order; with a list of errors, gather them and go on."""
    for listener in listeners:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                forget(answer, listener)
        except Exception as error:  # the step is durable: tell the others, report at the end
            if errors is None:
                raise
            errors.append(error)


def forget(answer: Any, listener: Listener) -> NoReturn:
    """Refuse a coroutine that a synchronous step cannot await, loudly rather than never run it."""
    if inspect.iscoroutine(answer):
        answer.close()
    name = getattr(listener, "__name__", listener)
    raise InvalidArgument(
        f"{name} is async, but the step is not; fire with `await run.event.aio()`"
    )


def conclude(run: Run, step: Step) -> None:
    """Let the step be the run's last: the one place where a state changes."""
    run._state = step.dest
    if run._steps is None:
        run._steps = [step]
    else:
        run._steps.append(step)


def _make(
    run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Step, list[Exception]]:
    step, row = propose(run, event, args, kwargs)
    plan = plan_of(run, step, row)
    for handler in plan.handler:
        wanted = handler(run, step.source, step.dest)
        if wanted is not None and inspect.isawaitable(wanted):
            forget(wanted, handler)
        if wanted is not None and wanted is not step.dest:
            step, row = replace(run, step, wanted)
            plan = attrs.evolve(plan_of(run, step, row), handler=plan.handler)
    tell(plan.before, run, step, None)
    if run.journal is not None:
        run.journal.append(step)
    errors: list[Exception] = []
    try:
        tell(plan.on_exit, run, step, errors)
    finally:  # even a KeyboardInterrupt finds memory and journal in step
        conclude(run, step)
    tell(plan.on_enter, run, step, errors)
    tell(plan.on_final, run, step, errors)
    tell(plan.after, run, step, errors)
    return step, errors


def _make_posted(run: Run, errors: list[Exception]) -> Step | None:
    """Make the posted steps in order; what goes wrong with one does not stop the next."""
    last = None
    while run._posted:
        event, args, kwargs = run._posted.popleft()
        try:
            last, more = _make(run, event, args, kwargs)
            errors += more
        except Exception as error:  # nobody waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
    return last


def _weigh(row: CompiledRow, run: Run, step: Step) -> list[Rejection]:
    """The first no among the row's guards, as a list of none or one."""
    for guard, wanted in row.guards:
        rejection = weigh(guard, wanted, run, step)
        if rejection is not None:
            return [rejection]
    return []


def _refuse(run: Run, event: str, source: State) -> NoReturn:
    lifecycle = type(run).lifecycle
    if event not in lifecycle.events:
        raise UnknownEvent(event, tuple(lifecycle.events))
    raise TransitionNotAllowed(event, source, lifecycle.allowed(type(source)))
