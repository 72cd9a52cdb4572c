"""Firing from async code: the same step in the same order, with listeners awaited.

Apart from `firing`, so that `import fsm` does not pay for asyncio.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from states import State, ambient

from .callbacks import Listener, Plan
from .errors import CallbackError, StepInProgress
from .firing import conclude, end_turn, post, propose, replaced
from .step import Step
from .turn import Who, await_turn, stop_waiting

if TYPE_CHECKING:
    from .run import Run

__all__ = ["afire"]

_LONGEST_PAUSE = 0.05  # seconds between two looks at a run that another task or thread holds

# The runs in the middle of whose steps this code is, also where a listener made a task for it.
_inside: contextvars.ContextVar[tuple[Run, ...]] = contextvars.ContextVar("inside", default=())


async def afire(run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> State:
    """Make one step of *run*, then the posted ones; return the state entered."""
    me = (threading.get_ident(), asyncio.current_task())
    if not run._lock.acquire(False):
        await _wait_for_turn(run, me)
    errors: list[Exception] = []
    inside = _inside.set((*_inside.get(), run))
    try:
        run._owner = me
        step = await _make(run, event, args, kwargs, errors)
        while run._posted:
            name, more_args, more_kwargs = run._posted.popleft()
            try:
                await _make(run, name, more_args, more_kwargs, errors)
            except Exception as error:  # nobody waits for a posted event: report it with the step
                error.add_note(f"from the posted event {name!r}")
                errors.append(error)
    except BaseException as refused:
        end_turn(run, refused)
        raise
    finally:
        _inside.reset(inside)
    run._owner = None
    run._lock.release()
    if run._posted:  # another thread posted just now
        post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


async def _make(
    run: Run,
    event: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    errors: list[Exception],
) -> Step:
    step, row = propose(run, event, args, kwargs)
    plan = (run._callbacks or run.callbacks).plan(row)
    if plan.handler:
        step, plan = await _handled(run, step, plan)
    if plan.before:
        await _tell(plan.before, run, step, None)
    if run.journal is not None:
        if run.journal.blocking:
            await _keep(run, step)
        else:
            run.journal.append(step)
    if plan.on_exit:
        try:
            await _tell(plan.on_exit, run, step, errors)
        finally:  # a cancelled task too finds memory and journal in step
            conclude(run, step)
    else:
        conclude(run, step)
    if plan.arrived:
        await _tell(plan.arrived, run, step, errors)
    return step


async def _handled(run: Run, step: Step, plan: Plan) -> tuple[Step, Plan]:
    """What the state handlers make of the step, and who is told of that."""
    for handler in plan.handler:
        with ambient.at(step.micros), ambient.using(**run._surroundings()):
            wanted = handler(run, step.source, step.dest)
            if inspect.isawaitable(wanted):
                wanted = await wanted
        if wanted is not None and wanted is not step.dest:
            step, plan = replaced(run, step, plan, wanted)
    return step, plan


async def _keep(run: Run, step: Step) -> None:
    """Append in a thread; once begun, an append is seen through, whoever cancels us meanwhile.

    The thread's future is no task, so the end of the loop does not cancel it either.
    """
    assert run.journal is not None
    journal, context = run.journal, contextvars.copy_context()
    loop = asyncio.get_running_loop()
    append = loop.run_in_executor(None, lambda: context.run(journal.append, step))
    try:
        await asyncio.shield(append)
    except asyncio.CancelledError:
        while not append.done():
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.shield(append)
        if append.exception() is None:
            conclude(run, step)
        raise


async def _tell(
    listeners: Sequence[Listener], run: Run, step: Step, errors: list[Exception] | None
) -> None:
    for listener in listeners:
        try:
            answer = listener(run, step)
            if answer is not None and inspect.isawaitable(answer):
                await answer
        except Exception as error:  # the step is durable: tell the others, report at the end
            if errors is None:
                raise
            errors.append(error)


async def _wait_for_turn(run: Run, me: Who) -> None:
    """Wait until the step in progress is done, without holding up the loop it may need.

    Looking again after a pause costs little where two steps of one run meet, and needs no thread
    and no clean-up when the waiting task is cancelled.

    Raises:
        StepInProgress: That step is our own, or waits for one of ours.
    """
    if run in _inside.get():
        raise StepInProgress(
            f"run {run.id!r} is in the middle of the step that made this task; "
            "use run.post() to fire when it is done"
        )
    await_turn(run, me)
    pause = 0.0
    try:
        while not run._lock.acquire(False):
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2 or 0.001)
    finally:
        stop_waiting(me)
