"""Aperform: a callable under the lifecycle of a run, from async code."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import FunctionType
from typing import Any

from fsm.errors import CallbackError, LifecycleError
from fsm.run.access import payload_context
from fsm.run.run import Clock
from fsm.states import State, ambient, moment
from fsm.tasks.task_run import TaskRun
from fsm.telemetry import observers

from .apply import Course, Observer, logger, observed
from .call import Call
from .commands import Answer, CatchUp, Execute, Expired, Fire, Raised, Returned, Wait, Wish
from .context import CurrentRun, call_in_context, executing
from .decider import decide
from .dispatch import current_of
from .results import INTERRUPTED

__all__ = ["aperform"]

_GRACE = 5.0  # seconds that a task has to end in once it is cancelled
_LONGEST_WAIT = 60.0  # seconds until the wall clock is looked at again: it may have been set


async def aperform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run*, as `perform` does; the loop goes on meanwhile.

    An async task is awaited, and cancelled when its time is up. Any other is called in a thread,
    which cannot be stopped. Async listeners are awaited. If the caller is cancelled, so are the
    task and its run.

    Raises:
        As `perform`.
    """
    course = decide(Call(run, task, args, kwargs).run)
    told = observers()
    answer: Answer = None
    try:
        while True:
            wish = await _fulfilled(run, course, course.send(answer), told)
            if isinstance(wish, Execute):
                answer = await _executed(run, wish, task, args, kwargs)
            else:
                assert isinstance(wish, Wait), "a run of its own wishes for nothing else"
                await _waited(run.clock, wish)
                answer = None
    except StopIteration as stop:
        end: State = stop.value
        return end
    except _Ended as ended:
        return ended.state
    except asyncio.CancelledError:
        course.close()
        await asyncio.shield(_cancelled(run))
        raise


class _Ended(Exception):
    """The course came to its end; a coroutine cannot raise `StopIteration`."""

    def __init__(self, state: State) -> None:
        self.state = state


async def _fulfilled(run: TaskRun, course: Course, wish: Wish, told: Sequence[Observer]) -> Wish:
    """Make the steps that are wished for, until something takes time."""
    try:
        while isinstance(wish, Fire | CatchUp):
            try:
                answer = await _made(run, wish, told)
            except Exception as error:  # whether it can be answered is for `decide` to say
                wish = course.throw(error)
            else:
                wish = course.send(answer)
    except StopIteration as stop:
        raise _Ended(stop.value) from None
    return wish


async def _made(run: TaskRun, wish: Fire | CatchUp, told: Sequence[Observer]) -> int | None:
    known = len(run.history)
    try:
        if isinstance(wish, Fire):
            await getattr(run, wish.event).aio(**wish.payload)
        else:
            await asyncio.to_thread(run.catch_up)
    except CallbackError as error:
        logger.error("run %s: %s", run.id, error, exc_info=error)
    count = observed(run, known, told)
    return None if isinstance(wish, Fire) else count


async def _executed(
    run: TaskRun, wish: Execute, task: Callable[..., Any], args: Any, kwargs: Any
) -> Answer:
    names = payload_context(run)
    current = current_of(run, names, wish)
    is_async = _is_async(task)
    work: Coroutine[Any, Any, Any]
    if is_async:
        work = _awaited(current, names, task, args, kwargs)
    else:
        work = asyncio.to_thread(call_in_context, current, names, task, args, kwargs)
    doing = asyncio.ensure_future(work)
    try:
        in_time = await _in_time(doing, run.clock, wish)
    except asyncio.CancelledError:
        current.cancel()
        await _stopped(doing)
        raise
    if not in_time:
        current.cancel()
        return Expired(stopped=await _stopped(doing) if is_async else False)
    error = asyncio.CancelledError() if doing.cancelled() else doing.exception()
    return Returned(doing.result()) if error is None else Raised(error)


def _is_async(task: Callable[..., Any]) -> bool:
    """Whether it is a coroutine function, or something that one is called by or wrapped in."""
    while isinstance(inner := getattr(task, "__wrapped__", None), FunctionType):
        task = inner
    by_call = getattr(type(task), "__call__", None)  # noqa: B004  # of an object
    return inspect.iscoroutinefunction(task) or inspect.iscoroutinefunction(by_call)


async def _awaited(
    current: CurrentRun, names: Any, task: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    executing.set(current)  # in the context of this asyncio task alone
    with ambient.using(**names):
        return await task(*args, **kwargs)


async def _in_time(doing: asyncio.Future[Any], clock: Clock | None, wish: Execute) -> bool:
    """Whether it is done before its deadline."""
    by_hand = getattr(clock, "wait", None)
    while not doing.done():
        missing = None if wish.deadline is None else _missing(clock, wish.deadline)
        if missing is not None and missing <= 0:
            return False
        patience = missing if by_hand is None else getattr(clock, "patience", 0.05)
        await asyncio.wait([doing], timeout=patience if missing is not None else None)
        if by_hand is not None and not doing.done():
            by_hand((), missing)
    return True


async def _stopped(doing: asyncio.Future[Any]) -> bool:
    """Cancel it; whether it has ended by that."""
    doing.cancel()
    done, _ = await asyncio.wait([doing], timeout=_GRACE)
    if done and not doing.cancelled():
        doing.exception()  # seen: asyncio need not complain
    return bool(done)


async def _waited(clock: Clock | None, wish: Wait) -> None:
    """Wait until the time has come by both clocks."""
    steady = getattr(clock, "steady", time.monotonic)
    earliest = steady() + wish.at_least
    while (missing := round(max(_missing(clock, wish.until), earliest - steady()), 6)) > 0:
        by_hand = getattr(clock, "wait", None)
        if by_hand is not None:
            by_hand((), missing)
        else:
            await asyncio.sleep(min(missing, _LONGEST_WAIT))


def _missing(clock: Clock | None, until: Any) -> float:
    if clock is None:
        now = ambient.micros()
    else:
        with ambient.clock(clock):
            now = ambient.micros()
    return (moment.to_micros(until) - now) / 1e6


async def _cancelled(run: TaskRun) -> None:
    with suppress(LifecycleError):  # somebody else may have moved it; the journal has the rest
        await asyncio.to_thread(run.catch_up)
        if "cancel" in run.allowed:
            await run.cancel.aio(message=INTERRUPTED)
