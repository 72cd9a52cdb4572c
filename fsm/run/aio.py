"""Firing from async code: the same step in the same order, with listeners awaited.

asyncio is imported on demand, so that `import fsm` does not load it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from _thread import allocate_lock
from collections.abc import Sequence
from threading import get_ident
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from fsm.errors import CallbackError, StepInProgress
from fsm.lifecycle.step import Step
from fsm.states import State, ambient

from . import lock
from .callbacks import Listener, Plan
from .commit import commit, conclude, settle
from .decision import ABSENT, decide
from .firing import replace
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
    **kwargs: Any,
) -> State:
    """Make one step of the run, then the posted ones; return the state entered."""
    event, run = bound.args
    me = (get_ident() + lock.forks, _current_task())
    errors: list[Exception] = []
    inside = fresh = None
    while run._owner is not None:
        await _wait(run, me)
    try:
        with run._lock:
            run._owner = me
            try:
                if run._pending is not None:
                    settle(run)
                step, row = decide(run, event, args, kwargs, message, result)
                plan = (run._callbacks or run.callbacks).plan(row)
                if plan.anyone:
                    inside = _inside.set((run, *_inside.get()))
                if plan.early:
                    step, plan = await consult(run, step, plan)
                if plan.on_exit or (run.journal is not None and run.journal.blocking):
                    await _commit(run, step, plan, errors)
                else:
                    commit(run, step, plan, errors)
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
                fresh = note(run, event, refused)
                raise
            finally:
                run._owner = None
                if inside is not None:
                    _inside.reset(inside)
    except BaseException as refused:
        if fresh is not None:
            await _keep_refusal(run, fresh)
        await _post(run, refused)
        raise
    if run._extras:  # another thread posted just now
        await _post(run, None)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


async def _post(run: Run, refused: BaseException | None) -> None:
    """Fire what has been posted, unless a step is in progress, which fires it at its end."""
    while run._extras and not run._lock.locked():
        errors: list[Exception] = []
        me = (get_ident() + lock.forks, _current_task())
        try:
            while run._owner is not None:
                await _wait(run, me)
        except StepInProgress:  # of another thread or task, which fires them at its end
            return
        with run._lock:
            run._owner = me
            inside = _inside.set((run, *_inside.get()))
            try:
                step = await _make_posted(run, errors)
            finally:
                run._owner = None
                _inside.reset(inside)
        if not errors:
            continue
        error = CallbackError.of(step, errors) if step is not None else errors[0]
        if refused is None:
            raise error
        refused.add_note(f"a posted event failed too: {error!r}")


async def _make_posted(run: Run, errors: list[Exception]) -> Step | None:
    last = None
    while run._extras:
        event, args, kwargs = run._extras.popleft()
        try:
            step, row = decide(run, event, args, kwargs)
            plan = (run._callbacks or run.callbacks).plan(row)
            step, plan = await consult(run, step, plan)
            await _commit(run, step, plan, errors)
            await _notify(plan.arrived, run, step, errors)
            last = step
        except Exception as error:  # no caller waits for a posted event: report it with the step
            error.add_note(f"from the posted event {event!r}")
            errors.append(error)
            if (fresh := note(run, event, error)) is not None:
                await _keep_refusal(run, fresh)
    return last


async def consult(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """Call state handlers and `before` listeners; return the step to make and its listeners."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
            if inspect.isawaitable(wanted):
                wanted = await wanted
        if wanted is not None and wanted is not step.dest:
            step, plan = replace(run, step, plan, wanted)
    await _notify(plan.before, run, step, None)
    return step, plan


async def _commit(run: Run, step: Step, plan: Plan, errors: list[Exception]) -> None:
    """`commit`, with a journal that blocks in a thread, and `on_exit` listeners awaited."""
    run._pending = step
    journal = run.journal
    try:
        if journal is not None and journal.blocking:
            await _append(run, step, plan)
        elif journal is not None:
            journal.append(step, run.lifecycle, outbox=plan.outbox)
    except Exception:
        run._pending = None
        raise
    except BaseException:
        settle(run)
        raise
    try:
        await _notify(plan.on_exit, run, step, errors)
    finally:  # a cancelled task, too, must find memory and journal in agreement
        conclude(run, step)


async def _append(run: Run, step: Step, plan: Plan) -> None:
    """Append in a thread. A cancellation waits for an append that has begun.

    The future of the thread is no task, so the end of the loop does not cancel it either.
    """
    import asyncio

    assert run.journal is not None
    journal, context = run.journal, contextvars.copy_context()
    append = asyncio.get_running_loop().run_in_executor(
        None, lambda: context.run(journal.append, step, run.lifecycle, outbox=plan.outbox)
    )
    try:
        await asyncio.shield(append)
    except asyncio.CancelledError:
        while not append.done():
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.shield(append)
        raise


async def _keep_refusal(run: Run, refusal: Any) -> None:
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


async def _wait(run: Run, me: lock.Owner) -> None:
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
    if lock.is_left_behind(run):
        return
    waiting = allocate_lock()
    pause = 0.0
    with waiting:
        before = lock.register(run, me, waiting)
        try:
            while run._lock.locked():
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2 or 0.001)
        finally:
            lock.unregister(me, before)
