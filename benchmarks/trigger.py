"""The cost of one step: bare, full, async and refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from fsm import Run, Step, TransitionError, event
from states import Pending, Running

from . import handwritten
from .measure import Effort, Make, Table, Work, take_turns
from .peers import automat_class, installed, statemachine_class
from .subjects import (
    AsyncMachine,
    Bare,
    LockedMachine,
    alisten,
    bare_model,
    full_model,
    listen,
    ours,
    shared_model,
)

__all__ = ["tables"]


def tables(effort: Effort) -> Iterator[Table]:
    """The four ways to fire."""
    yield _bare(effort)
    yield _full(effort)
    yield _async(effort)
    yield _refused(effort)


def never(run: Any, step: Step) -> str:
    """A guard that refuses with a reason."""
    return "the day is not over"


class Unready(Run):
    """Ours, with a guard that refuses."""

    __slots__ = ()

    back = event(Running, source=Pending, conditions=[never])


def by_hand() -> handwritten.Run:
    """A hand-written run with a memory journal and a listener."""
    run = handwritten.Run("run-1", handwritten.Journal())
    run.listeners.append(listen)
    return run


def to_and_fro(make: Callable[[], Any]) -> Make:
    """Two steps a call, with a message by keyword."""

    def ready_to_work() -> Work:
        run = make()

        def work(times: int) -> None:
            for _ in range(times):
                run.begin(message="half way")
                run.back(message="and back")

        return work

    return ready_to_work


def _bare(effort: Effort) -> Table:
    def empty(make: Callable[[], Any]) -> Make:
        def ready_to_work() -> Work:
            run = make()

            def work(times: int) -> None:
                for _ in range(times):
                    run.begin()
                    run.back()

            return work

        return ready_to_work

    contenders = {
        "hand-written": empty(lambda: handwritten.Bare("run-1")),
        "ours": empty(Bare),
        "transitions": empty(bare_model),
    }
    if installed("automat"):
        contenders["automat"] = empty(automat_class(full=False))
    if installed("statemachine"):
        contenders["python-statemachine"] = empty(statemachine_class(full=False))
    return take_turns(
        "a bare step",
        contenders,
        against="hand-written",
        effort=effort,
        per_call=2,
        note="no guard, no listener; payload, timestamp, lock and history in ours and by hand only",
    )


def _full(effort: Effort) -> Table:
    contenders = {
        "hand-written": to_and_fro(by_hand),
        "ours": to_and_fro(ours),
        "transitions": to_and_fro(full_model),
        "transitions, shared": to_and_fro(shared_model),
        "transitions, locked": to_and_fro(lambda: full_model(LockedMachine)),
    }
    if installed("automat"):
        contenders["automat"] = to_and_fro(automat_class())
    if installed("statemachine"):
        contenders["python-statemachine"] = to_and_fro(statemachine_class())
    return take_turns(
        "a full step",
        contenders,
        against="hand-written",
        effort=effort,
        per_call=2,
        note="guard, frozen payload, timestamp, history, one listener; "
        "ours and by hand also lock, memory journal and context that flows",
    )


def _async(effort: Effort) -> Table:
    def awaited(make: Callable[[], Any], *, aio: bool = False) -> Make:
        def ready_to_work() -> Work:
            async def work(times: int) -> None:
                run = make()
                for _ in range(times):
                    await run.begin(message="half way")
                    await run.back(message="and back")

            async def work_aio(times: int) -> None:
                run = make()
                for _ in range(times):
                    await run.begin.aio(message="half way")
                    await run.back.aio(message="and back")

            return lambda times: asyncio.run((work_aio if aio else work)(times))

        return ready_to_work

    def by_hand() -> handwritten.AsyncRun:
        run = handwritten.AsyncRun("run-1", handwritten.Journal())
        run.listeners.append(alisten)
        return run

    contenders = {
        "hand-written": awaited(by_hand),
        "ours": awaited(lambda: ours(alisten), aio=True),
        "transitions, async": awaited(lambda: full_model(AsyncMachine)),
    }
    if installed("statemachine"):
        contenders["python-statemachine"] = awaited(statemachine_class(awaited=True))
    return take_turns(
        "an async step",
        contenders,
        against="hand-written",
        effort=effort,
        per_call=2,
        note="a full step with an awaited listener; starting the loop is in it, once a turn",
    )


def _refused(effort: Effort) -> Table:
    def refused(make: Callable[[], Any], error: type[Exception], *, read: bool = False) -> Make:
        def ready_to_work() -> Work:
            run = make()

            def work(times: int) -> None:
                for _ in range(times):
                    try:
                        run.back(message="and back")
                    except error as refusal:
                        if read:
                            str(refusal)

            return work

        return ready_to_work

    def one_way() -> Work:
        work = to_and_fro(ours)()
        return lambda times: work((times + 1) // 2)

    contenders = {
        "ours, a step": one_way,
        "ours, refused": refused(ours, TransitionError),
        "ours, refused and read": refused(ours, TransitionError, read=True),
        "ours, a guard said no": refused(Unready, TransitionError),
        "hand-written, refused": refused(by_hand, handwritten.Refused),
        "transitions, refused": refused(full_model, Exception),
    }
    return take_turns(
        "a refused trigger",
        contenders,
        against="ours, a step",
        effort=effort,
        note="no row leads from here; caught, and in one case its message read",
    )
