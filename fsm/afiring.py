"""Firing from async code: the same step in the same order, with listeners awaited.

Apart from `firing`, so that `import fsm` does not pay for asyncio.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from states import State

from .callbacks import Listener
from .errors import CallbackError
from .firing import conclude, plan_of, post, propose, replace
from .step import Step
from .turn import refuse_nested

if TYPE_CHECKING:
    from .run import Run

__all__ = ["afire"]

_LONGEST_PAUSE = 0.05  # seconds between two looks at a run that another task or thread holds


async def afire(run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> State:
    """Make one step of *run*, then the posted ones; return the state entered."""
    if not run._lock.acquire(blocking=False):
        await _wait_for_turn(run)
    try:
        run._owner = (threading.get_ident(), asyncio.current_task())
        step, errors = await _make(run, event, args, kwargs)
        while run._posted:
            name, more_args, more_kwargs = run._posted.popleft()
            try:
                errors += (await _make(run, name, more_args, more_kwargs))[1]
            except Exception as error:  # nobody waits for a posted event: report it with the step
                error.add_note(f"from the posted event {name!r}")
                errors.append(error)
    finally:
        run._owner = None
        run._lock.release()
        if run._posted:  # by another thread just now, or in a step that was then refused
            post(run)
    if errors:
        raise CallbackError.of(step, errors)
    return step.dest


async def _make(
    run: Run, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Step, list[Exception]]:
    step, row = propose(run, event, args, kwargs)
    plan = plan_of(run, step, row)
    for handler in plan.handler:
        wanted = handler(run, step.source, step.dest)
        if inspect.isawaitable(wanted):
            wanted = await wanted
        if wanted is not None and wanted is not step.dest:
            step, row = replace(run, step, wanted)
            plan = attrs.evolve(plan_of(run, step, row), handler=plan.handler)
    await _tell(plan.before, run, step, None)
    await _keep(run, step)
    errors: list[Exception] = []
    try:
        await _tell(plan.on_exit, run, step, errors)
    finally:  # a cancelled task too finds memory and journal in step
        conclude(run, step)
    for listeners in (plan.on_enter, plan.on_final, plan.after):
        await _tell(listeners, run, step, errors)
    return step, errors


async def _keep(run: Run, step: Step) -> None:
    """Append to the journal, in a thread if it blocks; see an append through once it has begun."""
    if run.journal is None:
        return
    if not run.journal.blocking:
        run.journal.append(step)
        return
    append = asyncio.ensure_future(asyncio.to_thread(run.journal.append, step))
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


async def _wait_for_turn(run: Run) -> None:
    """Wait until the step in progress is done, without holding up the loop it may need.

    Looking again after a pause costs little where two steps of one run meet, and needs no thread
    and no clean-up when the waiting task is cancelled.

    Raises:
        StepInProgress: That step is this task's own: waiting would never end.
    """
    pause = 0.0
    while not run._lock.acquire(blocking=False):
        here = threading.get_ident()
        if run._owner in (here, (here, asyncio.current_task())):
            refuse_nested(run)
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 2 or 0.001)
