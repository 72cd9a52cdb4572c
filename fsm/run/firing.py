"""Firing: one event on one run, in the order of a step.

    draft the payload → guards → state handlers → before → journal.append
    → on_exit → the state changes → on_enter → on_final → after → posted events

Up to the append nothing has happened, and whoever raises stops it. From the append on the step
stands: every listener is still told, and their errors come out together as one `CallbackError`.
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
)
from fsm.lifecycle.step import Step
from fsm.states import State, ambient

from .callbacks import Listener, Plan
from .decision import ABSENT, given, propose, replacement
from .lock import is_mine, wait_for_turn
from .refusals import keep, noted

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = [
    "conclude",
    "end_refused",
    "end_turn",
    "fire",
    "fire_once",
    "forget",
    "in_turn",
    "keep_up",
    "post",
    "refusal",
    "replaced",
    "tell",
]

T = TypeVar("T")

logger = logging.getLogger(__name__)

NO_ROWS: Mapping[type[State], CompiledRow] = {}


def fire(
    event: str, run: Run, /, *args: Any, message: Any = ABSENT, result: Any = ABSENT, **more: Any
) -> State:
    """Make one step of *run*, then the steps its listeners posted; return the state entered.

    What most callers give has names of its own here: a dict of it would have to be searched.
    """
    if not run._lock.acquire(False):
        wait_for_turn(run)
    errors: list[Exception] = []
    try:
        run._owner = get_ident()
        source = run._state
        if source is None:
            source = run.state
        row = run._short_cuts.get(event, NO_ROWS).get(type(source))
        step = None if row is None or args or more else row.short_cut(run, source, message, result)
        if row is None or step is None:
            step, row = propose(event, run, args, given(more, message, result))
        plan = (run._callbacks or run.callbacks).plan(row)
        if plan.early:
            step = _take(run, step, plan, errors)
        else:  # the rest of `_take`, where a call for each of its lines would count
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
                        forget(answer, listener)
                except Exception as error:
                    errors.append(error)
        if run._aside:
            make_posted(run, errors)
    except BaseException as refused:
        end_refused(run, event, refused)
        raise
    run._owner = None
    run._lock.release()
    if run._aside:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


def fire_once(
    key: str, event: str, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> State:
    """Fire for the request *key*, unless a step of this run was made for it already."""
    if not run._lock.acquire(False):
        wait_for_turn(run)
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
            raise InvalidArgument(f"the request {key!r} was for {made.event}, not for {event}")
    except BaseException as refused:
        end_refused(run, event, refused)
        raise
    end_turn(run, None)
    if errors:
        raise CallbackError.of(made, errors)
    return made.dest


def refusal(event: str, run: Run, /, *args: Any, **kwargs: Any) -> TransitionError | None:
    """The refusal that firing now would meet, or None; nothing is moved or told."""
    try:
        in_turn(run, lambda: propose(event, run, args, kwargs))
    except StepInProgress:  # of a guard that fires: no answer to what was asked
        raise
    except TransitionError as refused:
        return refused
    return None


def in_turn(run: Run, ask: Callable[[], T]) -> T:
    """What *ask* finds while nobody moves *run*: its steps wait, and a guard that fires is refused.

    Asked from inside a step, that step goes on afterwards.
    """
    if is_mine(run, get_ident()):
        return ask()
    if not run._lock.acquire(False):
        wait_for_turn(run)
    run._owner = get_ident()
    try:
        return ask()
    finally:
        end_turn(run, None)


def post(run: Run) -> None:
    """Fire what has been posted, unless a step is in progress, which then does so at its end."""
    while run._aside and run._lock.acquire(False):
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
    if run._aside:
        try:
            post(run)
        except Exception as error:
            if refused is None:
                raise
            refused.add_note(f"a posted event failed too: {error!r}")


def end_refused(run: Run, event: str, error: BaseException) -> None:
    """End the turn of a step that was not made; the run, and its journal, remember why not."""
    try:
        fresh = noted(run, event, error)
    finally:  # whatever becomes of the note
        end_turn(run, error)
    if fresh is not None:
        keep(run, fresh)


def forget(answer: Any, listener: Listener) -> NoReturn:
    """Refuse a coroutine that a synchronous step cannot await, loudly rather than never run it."""
    if close := getattr(answer, "close", None):
        close()
    name = getattr(listener, "__name__", listener)
    raise InvalidArgument(
        f"{name} is async, but the step is not; fire with `await run.event.aio()`"
    )


def conclude(run: Run, step: Step) -> None:
    """Let the step be the run's last: the one place where a state changes.

    The two that fire say the same in line, where it counts.
    """
    run._state = step.dest
    if run._steps is None:
        run._steps = [step]
    else:
        run._steps.append(step)


def keep_up(run: Run, step: Step, error: BaseException) -> None:
    """After an interrupt in the middle of an append: move if the journal has the step after all."""
    if not isinstance(error, Exception) and run.journal is not None and run.journal.holds(step):
        conclude(run, step)


def make_posted(run: Run, errors: list[Exception]) -> Step | None:
    """Make the posted steps in order; what goes wrong with one does not stop the next."""
    last = None
    while run._aside:
        event, args, kwargs = run._aside.popleft()
        try:
            step, row = propose(event, run, args, kwargs)
            plan = (run._callbacks or run.callbacks).plan(row)
            last = _take(run, step, plan, errors)
        except Exception as error:  # nobody waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
            if (fresh := noted(run, event, error)) is not None:
                keep(run, fresh)
    return last


def _take(run: Run, step: Step, plan: Plan, errors: list[Exception]) -> Step:
    """Make the step that was proposed, or the one that a state handler wants instead."""
    if plan.handler:
        step, plan = _handled(run, step, plan)
    tell(plan.before, run, step, None)
    if run.journal is not None:
        try:
            run.journal.append(step, run.lifecycle, outbox=plan.outbox)
        except BaseException as error:
            keep_up(run, step, error)
            raise
    try:
        tell(plan.on_exit, run, step, errors)
    finally:  # even a KeyboardInterrupt finds memory and journal in step
        conclude(run, step)
    tell(plan.arrived, run, step, errors)
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
        step, row = replacement(run, step, wanted)
    except GuardRejected as refused:
        logger.warning("run %s: a state handler %s; %r stands", run.id, refused, step)
        return step, plan
    return step, (run._callbacks or run.callbacks).plan(row)


def tell(
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
