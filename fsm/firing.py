"""Firing: one event on one run, in the order of a step.

    draft the payload → guards → state handlers → before → journal.append
    → on_exit → the state changes → on_enter → on_final → after → posted events

Up to the append nothing has happened, and whoever raises stops it. From the append on the step
stands: every listener is still told, and their errors come out together as one `CallbackError`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn

from states import State, ambient

from .callbacks import Listener, Plan
from .draft import given_by
from .errors import (
    CallbackError,
    GuardRejected,
    InvalidArgument,
    StepInProgress,
    TransitionError,
    TransitionNotAllowed,
    UnknownEvent,
)
from .guard import Rejection, weigh
from .step import Step
from .turn import is_mine, wait_for_turn

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = ["conclude", "end_turn", "fire", "forget", "post", "propose", "refusal", "replaced"]

logger = logging.getLogger(__name__)

_new_step = tuple.__new__  # what `Step(...)` comes down to, without the call
_micros = ambient.micros
_NO_ROWS: Mapping[str, tuple[CompiledRow, ...]] = {}


def fire(run: Run, event: str, /, *args: Any, **kwargs: Any) -> State:
    """Make one step of *run*, then the steps its listeners posted; return the state entered."""
    if not run._lock.acquire(False):
        wait_for_turn(run)
    errors: list[Exception] = []
    try:
        run._owner = get_ident()
        step = _make(run, event, args, kwargs, errors)
        if run._posted:
            make_posted(run, errors)
    except BaseException as refused:
        end_turn(run, refused)
        raise
    run._owner = None
    run._lock.release()
    if run._posted:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def refusal(run: Run, event: str, /, *args: Any, **kwargs: Any) -> TransitionError | None:
    """The refusal that firing now would meet, or None; nothing is moved or told."""
    mine = is_mine(run, get_ident())  # asked from inside a step, which goes on afterwards
    if not mine:
        if not run._lock.acquire(False):
            wait_for_turn(run)
        run._owner = get_ident()  # so that a guard that fires is refused here too
    try:
        propose(run, event, args, kwargs)
    except StepInProgress:  # of a guard that fires: no answer to what was asked
        raise
    except TransitionError as refused:
        return refused
    finally:
        if not mine:
            end_turn(run, None)
    return None


def post(run: Run) -> None:
    """Fire what has been posted, unless a step is in progress, which then does so at its end."""
    while run._posted and run._lock.acquire(False):
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


def end_turn(run: Run, refused: BaseException | None) -> None:
    """Let others step; fire what was posted meanwhile, without hiding why a step was refused."""
    run._owner = None
    run._lock.release()
    if run._posted:
        try:
            post(run)
        except Exception as error:
            if refused is None:
                raise
            refused.add_note(f"a posted event failed too: {error!r}")


def propose(
    run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Step, CompiledRow]:
    """Draft the step and ask its guards; nothing has happened yet.

    Raises:
        TransitionNotAllowed: No row leads from here under *event*.
        GuardRejected: Rows do, but each had a guard that said no.
    """
    source = run._state
    if source is None:
        source = run.state
    rows = run._rows.get(type(source), _NO_ROWS).get(event) or run._leading(event)
    if not rows:
        raise _refused(run, event, source)
    micros = _micros() if run._clock is None else run._micros()
    steps = run._steps
    rejections: list[Rejection] | None = None
    for row in rows:
        dest = row.draft(run, source, args, kwargs, micros)
        if steps:
            step = _new_step(Step, (run._id, len(steps) + 1, event, source, dest, micros, None))
        else:
            step = Step(run.id, 1, event, source, dest, micros, run.settings())
        for guard, wanted in row.guards:
            answer = guard(run, step)
            if answer is not wanted and (no := weigh(guard, wanted, answer)):
                rejections = [*(rejections or ()), no]
                break
        else:
            return step, row
    raise _rejected(event, source, rejections or [])


def _replace(run: Run, step: Step, wanted: object) -> tuple[Step, CompiledRow]:
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
            if row.dest is type(wanted):
                dest = row.draft(run, step.source, (), given_by(wanted), step.micros)
                other = step._replace(event=event, dest=dest)
                asked = (weigh(guard, yes, guard(run, other)) for guard, yes in row.guards)
                no = next(filter(None, asked), None)
                if no is None:
                    return other, row
                rejections.append(no)
    if rejections:
        raise _rejected(f"enter {type(wanted).__name__}", step.source, rejections)
    raise TransitionNotAllowed(
        f"enter {type(wanted).__name__}", step.source, lifecycle.allowed(source)
    )


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


def make_posted(run: Run, errors: list[Exception]) -> Step | None:
    """Make the posted steps in order; what goes wrong with one does not stop the next."""
    last = None
    while run._posted:
        event, args, kwargs = run._posted.popleft()
        try:
            last = _make(run, event, args, kwargs, errors)
        except Exception as error:  # nobody waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
    return last


def _make(
    run: Run,
    event: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    errors: list[Exception],
) -> Step:
    step, row = propose(run, event, args, kwargs)
    plan = (run._callbacks or run.callbacks).plan(row)
    if plan.handler:
        step, plan = _handled(run, step, plan)
    if plan.before:
        _tell(plan.before, run, step, None)
    if run.journal is not None:
        run.journal.append(step)
    if plan.on_exit:
        try:
            _tell(plan.on_exit, run, step, errors)
        finally:  # even a KeyboardInterrupt finds memory and journal in step
            conclude(run, step)
    else:
        conclude(run, step)
    for listener in plan.arrived:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                forget(answer, listener)
        except Exception as error:  # the step is durable: tell the others, report at the end
            errors.append(error)
    return step


def _handled(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """What the state handlers make of the step, and who is told of that."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
        if wanted is not None and inspect.isawaitable(wanted):
            forget(wanted, handler)
        if wanted is not None and wanted is not step.dest:
            step, plan = replaced(run, step, plan, wanted)
    return step, plan


def replaced(run: Run, step: Step, plan: Plan, wanted: object) -> tuple[Step, Plan]:
    """The step to what a state handler wants; where a guard forbids it, the one proposed."""
    try:
        step, row = _replace(run, step, wanted)
    except GuardRejected as refused:
        logger.warning("run %s: a state handler %s; %r stands", run.id, refused, step)
        return step, plan
    return step, (run._callbacks or run.callbacks).plan(row)


def _tell(
    listeners: Sequence[Listener], run: Run, step: Step, errors: list[Exception] | None
) -> None:
    """Call *listeners* in order; with a list for their errors, gather them and go on."""
    for listener in listeners:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                forget(answer, listener)
        except Exception as error:  # the step is durable: tell the others, report at the end
            if errors is None:
                raise
            errors.append(error)


def _rejected(event: str, source: State, rejections: list[Rejection]) -> GuardRejected:
    error = GuardRejected(event, source, rejections)
    for rejection in rejections:
        error.add_note(f"guard: {rejection.where}")
    return error


def _refused(run: Run, event: str, source: State) -> TransitionError:
    lifecycle = type(run).lifecycle
    if event not in lifecycle.events:
        return UnknownEvent(event, tuple(lifecycle.events))
    return TransitionNotAllowed(event, source, lifecycle.allowed(type(source)))
