"""Dispatch: the execution of a task as whoever waits for it sees it, here or in another process."""

from __future__ import annotations

import itertools
import os
import socket
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsm.errors import JournalError
from fsm.journal import Journal
from fsm.run.access import has_listeners_before, payload_context
from fsm.states import ambient
from fsm.tasks.task_run import TaskRun

from .call import Call
from .commands import Answer, Displaced, Execute, Lost, Raised, Returned
from .context import CurrentRun, call_in_context
from .pickling import Packed, class_from_ref, packed, unpacked
from .remote import Attempt, carry_out

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool

__all__ = ["Away", "Dispatch", "Here", "dispatched"]

_LEASE = 60.0  # seconds, renewed as long as the worker lives
_PATIENCE = 100  # times in a row that work may be displaced: then it is lost, which has an end


class Here:
    """The execution of a task in this process, on a thread: its future, and how it is told."""

    deadline_is_ours = True  # nobody else says that its time is up

    def __init__(self, call: Call, pool: Pool, wish: Execute) -> None:
        names = payload_context(call.run)
        args, kwargs = call.work()
        self._current = current_of(call.run, names, wish)
        self.future = pool.submit(call_in_context, self._current, names, call.task, args, kwargs)

    def answer(self) -> Answer:
        """What came of it, once the future is done."""
        try:
            error = self.future.exception()
        except CancelledError as cancelled:  # by whoever shut the pool down
            return Raised(cancelled)
        return Returned(self.future.result()) if error is None else Raised(error)

    def give_up(self) -> None:
        """Nobody waits for it any more: ask the task to end."""
        self._current.cancel()
        self.future.cancel()


class Away:
    """The execution of a task in another process, which claims and reports it where it can."""

    def __init__(self, call: Call, pool: Pool, wish: Execute, task: bytes | None) -> None:
        run, names = call.run, payload_context(call.run)
        self._run, self._pool = run, pool
        journal = run.journal if isinstance(run.journal, Journal) and run.clock is None else None
        address = None if journal is None else journal.address
        self._journal = None if address is None else journal
        self.deadline_is_ours = not pool.fatal
        seconds = None
        if pool.fatal and wish.deadline is not None:
            seconds = (wish.deadline - _now(run)).total_seconds()
        self._attempt = Attempt(
            run=run.id,
            seq=len(run.history),
            owner=f"{socket.gethostname()[:64]}:{os.getpid()}#{len(run.history)}",
            address=address,
            kind=None if address is None else _reporting(run),
            lease=_LEASE,
            seconds=seconds,
        )
        known = packed(f"what {run.id!r} knows", (current_of(run, names, wish), dict(names)))
        work = (
            packed(f"the work of {run.id!r}", (call.task, *call.work())) if task is None else task
        )
        self.future = pool.submit(carry_out, self._attempt, known, work)

    def answer(self) -> Answer:
        """What came of it, once the future is done."""
        try:
            error = self.future.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            answer = unpacked(Packed(*self.future.result()))
            if isinstance(answer, Lost):
                self._revoke()  # of a worker that was given the same before, and died of it
            return answer
        verdict = self._pool.verdict(self.future, error)
        if isinstance(verdict, Raised):
            return verdict
        claimed = self._revoke()
        if self._journal is not None and not claimed and not self._pool.fatal:
            verdict = Displaced()  # its worker died before it came to this
        if isinstance(verdict, Displaced) and _displaced(self._run) >= _PATIENCE:
            return Lost(f"displaced {_PATIENCE} times in a row")
        return verdict

    def give_up(self) -> None:
        """Nobody waits for it any more: what it would report is too late from now on."""
        self.future.cancel()
        self._revoke()

    def _revoke(self) -> bool:
        """Take our claim back, so that the next attempt can have it; whether there was one."""
        if self._journal is None:
            return False
        with suppress(JournalError):
            owner = self._journal.summary(self._run.id).owner
            if owner is not None and owner.startswith(f"{self._attempt.owner} on "):
                return self._journal.revoke(self._run.id, owner=owner)
        return False


Dispatch = Here | Away


def dispatched(call: Call, pool: Pool, wish: Execute, task: bytes | None = None) -> Dispatch:
    """Have the task of *call* executed where *pool* executes.

    Args:
        task: What was packed of it already.

    Raises:
        InvalidArgument: It cannot travel there.
    """
    return Away(call, pool, wish, task) if pool.remote else Here(call, pool, wish)


def current_of(run: TaskRun, names: Any, wish: Execute) -> CurrentRun:
    """What the task may know of *run*."""
    return CurrentRun(
        id=run.id,
        attempt=names["task_run_count"],
        loop_count=names["task_loop_count"],
        loop_result=names["task_loop_result"],
        resumed=names["resume"],
        deadline=wish.deadline,
    )


def _reporting(run: TaskRun) -> str | None:
    """The class that can report for *run* where it is executed; None where it has to be us.

    Who has a say in a step before it is kept listens here, and perhaps only here.
    """
    kind = run.lifecycle.kind
    asked = has_listeners_before(run)
    return None if asked or class_from_ref(kind) is not type(run) else kind


def _displaced(run: TaskRun) -> int:
    """How often its attempt was started and paused again, up to now."""
    again = itertools.takewhile(lambda step: step.event in ("start", "pause"), run.history[::-1])
    return sum(step.event == "pause" for step in again)


def _now(run: TaskRun) -> Any:
    if run.clock is None:
        return ambient.now()
    with ambient.clock(run.clock):
        return ambient.now()
