"""Firing from async code: the same step in the same order, with listeners awaited.

asyncio is imported on demand, so that `import fsm` does not load it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Sequence
from threading import get_ident
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from fsm.errors import CallbackError, StepInProgress
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states import State, ambient

from .callbacks import Listener, Plan
from .decision import ABSENT, propose, with_named
from .firing import NO_ROWS, conclude, keep_up, post, release, replace
from .lock import Who, register_wait, stop_waiting
from .refusals import keep, note

if TYPE_CHECKING:
    from .run import Run

__all__ = ["afire"]

_LONGEST_PAUSE = 0.05  # seconds between two looks at a run that another task or thread is moving

# The runs whose step this code is part of, also in a task that a listener has started.
_inside: contextvars.ContextVar[tuple[Run, ...]] = contextvars.ContextVar("inside", default=())


def _current_task() -> Any:
    """`asyncio.current_task`, which takes the place of this function."""
    global _current_task
    from asyncio import current_task

    _current_task = current_task
    return current_task()


async def afire(
    bound: functools.partial[Any],
    /,
    *args: Any,
    message: Any = ABSENT,
    result: Any = ABSENT,
    **more: Any,
) -> State:
    """Make one step of the run, then the posted ones; return the state entered."""
    event, run = bound.args
    me = (get_ident(), _current_task())
    if not run._lock.acquire(False):
        await _acquire_when_free(run, me)
    errors: list[Exception] = []
    inside = None
    try:
        run._owner = me
        source = run._state
        if source is None:
            source = run.state
        row = run._short_cuts.get(event, NO_ROWS).get(type(source))
        step = None if row is None or args or more else row.short_cut(run, source, message, result)
        if row is None or step is None:
            step, row = propose(event, run, args, with_named(more, message, result))
        plan = (run._callbacks or run.callbacks).plan(row)
        journal = run.journal
        if plan.anyone:
            inside = _inside.set((run, *_inside.get()))
        if plan.early or (journal is not None and journal.blocking):
            step = await _take(run, step, plan, errors)
        else:  # `_take` again without its coroutines, which would cost a fifth of a step
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
                    if type(answer) is CoroutineType or inspect.isawaitable(answer):
                        await answer
                except Exception as error:
                    errors.append(error)
        if run._extras:
            inside = inside or _inside.set((run, *_inside.get()))
            await _make_posted(run, errors)
    except BaseException as refused:
        try:
            fresh = note(run, event, refused)
        finally:  # also where the note fails
            release(run, refused)
        if fresh is not None:
            await _note(run, fresh)
        raise
    finally:
        if inside is not None:
            _inside.reset(inside)
    run._owner = None
    run._lock.release()
    if run._extras:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


async def _make_posted(run: Run, errors: list[Exception]) -> None:
    while run._extras:
        event, args, kwargs = run._extras.popleft()
        try:
            step, row = propose(event, run, args, kwargs)
            plan = (run._callbacks or run.callbacks).plan(row)
            await _take(run, step, plan, errors)
        except Exception as error:  # no caller waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
            if (fresh := note(run, event, error)) is not None:
                await _note(run, fresh)


async def _take(run: Run, step: Step, plan: Plan, errors: list[Exception]) -> Step:
    """Make the step that was proposed, or the one that a state handler returns instead."""
    if plan.handler:
        step, plan = await _call_handlers(run, step, plan)
    await _notify(plan.before, run, step, None)
    if run.journal is not None:
        if run.journal.blocking:
            await _keep(run, step, plan)
        else:
            try:
                run.journal.append(step, run.lifecycle, outbox=plan.outbox)
            except BaseException as error:
                keep_up(run, step, error)
                raise
    try:
        await _notify(plan.on_exit, run, step, errors)
    finally:  # a cancelled task, too, must find memory and journal in agreement
        conclude(run, step)
    await _notify(plan.arrived, run, step, errors)
    return step


async def _call_handlers(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """The step after all state handlers have seen it, and the listeners of that step."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
            if inspect.isawaitable(wanted):
                wanted = await wanted
        if wanted is not None and wanted is not step.dest:
            step, plan = replace(run, step, plan, wanted)
    return step, plan


async def _keep(run: Run, step: Step, plan: Plan) -> None:
    """Append in a thread. A cancellation waits for an append that has begun.

    The future of the thread is no task, so the end of the loop does not cancel it either.
    """
    import asyncio

    assert run.journal is not None
    journal, context = run.journal, contextvars.copy_context()
    loop = asyncio.get_running_loop()
    append = loop.run_in_executor(
        None, lambda: context.run(journal.append, step, run.lifecycle, outbox=plan.outbox)
    )
    try:
        await asyncio.shield(append)
    except asyncio.CancelledError:
        while not append.done():
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.shield(append)
        if append.exception() is None:
            conclude(run, step)
        raise
    except BaseException as error:
        keep_up(run, step, error)
        raise


async def _note(run: Run, refusal: Refusal) -> None:
    """Let the journal keep *refusal*, in a thread if it may have to wait for a disk."""
    import asyncio

    if run.journal is None or not run.journal.blocking:
        keep(run, refusal)
    else:
        with contextlib.suppress(Exception):  # the executor of the loop may be shut down
            await asyncio.get_running_loop().run_in_executor(None, keep, run, refusal)


async def _notify(
    listeners: Sequence[Listener], run: Run, step: Step, errors: list[Exception] | None
) -> None:
    for listener in listeners:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                await answer
        except Exception as error:  # the step is kept: call the others, report at the end
            if errors is None:
                raise
            errors.append(error)


async def _acquire_when_free(run: Run, me: Who) -> None:
    """Wait until the step in progress is done, without blocking the loop that it may need.

    It polls: two steps of one run seldom meet, and polling needs neither a thread nor a clean-up
    when the waiting task is cancelled.

    Raises:
        StepInProgress: That step is the caller's own, or waits for one of the caller's.
    """
    import asyncio

    if run in _inside.get():
        raise StepInProgress(
            f"run {run.id!r} is in the middle of the step that made this task; "
            "use run.post() to fire when it is done"
        )
    register_wait(run, me)
    pause = 0.0
    try:
        while not run._lock.acquire(False):
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2 or 0.001)
    finally:
        stop_waiting(me)
