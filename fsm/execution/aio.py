"""Performs a callable under the lifecycle of a run, from async code."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import FunctionType
from typing import Any

from fsm.errors import CallbackError, LifecycleError
from fsm.run.access import payload_context, step_count
from fsm.run.run import Clock
from fsm.states import State, ambient, moment
from fsm.tasks.task_run import TaskRun
from fsm.telemetry import observers

from .apply import Decisions, Done, Observer, log_callback_error, notify, resume
from .call import Call
from .commands import CatchUp, Command, Execute, Expired, Fire, Raised, Reply, Returned, Wait
from .context import CurrentRun, call_in_context, executing
from .decider import decide
from .dispatch import describe_run
from .results import INTERRUPTED

__all__ = ["aperform"]

_GRACE = 5.0  # seconds that a task has to end in once it is cancelled
_LONGEST_WAIT = 60.0  # seconds until the wall clock is read again: it may have been set


async def aperform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run* without blocking the event loop.

    An async task is awaited, and cancelled when its time limit has passed. Any other is called
    in a thread, which cannot be stopped. Async listeners are awaited. If the caller is cancelled,
    its task and its run are cancelled, too.

    Args:
        args, kwargs: The arguments of *task*.

    Returns:
        The last state of the run: finished, or `Paused`.

    Raises:
        InvalidArgument: *run* is no `TaskRun`, or *task* is not callable; nothing was started.
        JournalError: A step could not be kept; the run is in the state that its journal has.
        StaleRun: Another process runs it, or has claimed it.
    """
    decider = decide(Call(run, task, args, kwargs).run)
    watching = observers()
    reply: Reply = None
    try:
        while True:
            command = await _run_commands(run, decider, reply, watching)
            if isinstance(command, Done):
                end: State = command.value
                return end
            if isinstance(command, Execute):
                reply = await _execute(run, command, task, args, kwargs)
            else:
                assert isinstance(command, Wait), "a run without children gives no other commands"
                await _wait(run.clock, command)
                reply = None
    except asyncio.CancelledError:
        decider.close()
        await asyncio.shield(_cancel(run))
        raise


aperform.__module__ = "fsm"


async def _run_commands(
    run: TaskRun, decider: Decisions, reply: Reply, watching: Sequence[Observer]
) -> Command | Done:
    """Resume *decider* and apply its commands until one takes time, which is returned."""
    command = resume(decider, reply)
    while isinstance(command, Fire | CatchUp):
        outcome: Reply | Exception
        try:
            outcome = await _apply(run, command, watching)
        except Exception as error:  # the decider knows whether it can be handled
            outcome = error
        command = resume(decider, outcome)
    return command


async def _apply(run: TaskRun, command: Fire | CatchUp, watching: Sequence[Observer]) -> int | None:
    known = step_count(run)
    try:
        if isinstance(command, Fire):
            await getattr(run, command.event).aio(**command.payload)
        else:
            await asyncio.to_thread(run.catch_up)
    except CallbackError as error:
        log_callback_error(run, error)
    count = notify(run, known, watching)
    return None if isinstance(command, Fire) else count


async def _execute(
    run: TaskRun, command: Execute, task: Callable[..., Any], args: Any, kwargs: Any
) -> Reply:
    names = payload_context(run)
    current = describe_run(run, names, command)
    is_async = _is_async(task)
    work: Coroutine[Any, Any, Any]
    if is_async:
        work = _await_in_context(current, names, task, args, kwargs)
    else:
        work = asyncio.to_thread(call_in_context, current, names, task, args, kwargs)
    future = asyncio.ensure_future(work)
    try:
        in_time = await _wait_for(future, run.clock, command)
    except asyncio.CancelledError:
        current.cancel()
        await _stop(future)
        raise
    if not in_time:
        current.cancel()
        return Expired(stopped=await _stop(future) if is_async else False)
    error = asyncio.CancelledError() if future.cancelled() else future.exception()
    return Returned(future.result()) if error is None else Raised(error)


def _is_async(task: Callable[..., Any]) -> bool:
    """Whether it is a coroutine function, or an object or a wrapper that calls one."""
    while isinstance(inner := getattr(task, "__wrapped__", None), FunctionType):
        task = inner
    by_call = getattr(type(task), "__call__", None)  # noqa: B004  # of an object
    return inspect.iscoroutinefunction(task) or inspect.iscoroutinefunction(by_call)


async def _await_in_context(
    current: CurrentRun, names: Any, task: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    executing.set(current)  # in the context of this asyncio task alone
    with ambient.using(**names):
        return await task(*args, **kwargs)


async def _wait_for(future: asyncio.Future[Any], clock: Clock | None, command: Execute) -> bool:
    """Wait for a task; return whether it has ended before its deadline."""
    by_hand = getattr(clock, "wait", None)
    while not future.done():
        left = None if command.deadline is None else _seconds_until(clock, command.deadline)
        if left is not None and left <= 0:
            return False
        timeout = left if by_hand is None else getattr(clock, "patience", 0.05)
        await asyncio.wait([future], timeout=timeout if left is not None else None)
        if by_hand is not None and not future.done():
            by_hand((), left)
    return True


async def _stop(future: asyncio.Future[Any]) -> bool:
    """Cancel a task; return whether that has ended it within the grace period."""
    future.cancel()
    done, _ = await asyncio.wait([future], timeout=_GRACE)
    if done and not future.cancelled():
        future.exception()  # retrieved, or asyncio would log it
    return bool(done)


async def _wait(clock: Clock | None, command: Wait) -> None:
    """Wait until the time has come by both clocks."""
    steady = getattr(clock, "steady", time.monotonic)
    earliest = steady() + command.at_least
    while (left := round(max(_seconds_until(clock, command.until), earliest - steady()), 6)) > 0:
        by_hand = getattr(clock, "wait", None)
        if by_hand is not None:
            by_hand((), left)
        else:
            await asyncio.sleep(min(left, _LONGEST_WAIT))


def _seconds_until(clock: Clock | None, until: Any) -> float:
    if clock is None:
        now = ambient.micros()
    else:
        with ambient.clock(clock):
            now = ambient.micros()
    return (moment.to_micros(until) - now) / 1e6


async def _cancel(run: TaskRun) -> None:
    with suppress(LifecycleError):  # another process may have moved it; its journal has the rest
        await asyncio.to_thread(run.catch_up)
        if "cancel" in run.allowed:
            await run.cancel.aio(message=INTERRUPTED)
