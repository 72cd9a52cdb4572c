"""Dispatch: the execution of a task as whoever waits for it sees it, here or in another process."""

from __future__ import annotations

import os
import socket
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from states import ambient

from .attempt import Attempt, Packed, carry_out, packed, unpacked
from .call import Call
from .current import CurrentRun
from .errors import JournalError, UnknownRun
from .execution import execute
from .journal import Journal
from .journal.kind import kind_of
from .naming import named
from .task import TaskRun
from .wish import Answer, Displaced, Execute, Lost, Raised, Returned

if TYPE_CHECKING:
    from .pool import Pool

__all__ = ["Away", "Dispatch", "Here", "dispatched"]

_LEASE = 60.0  # seconds, renewed as long as the worker lives


class Here:
    """The execution of a task in this process, on a thread: its future, and how it is told."""

    deadline_is_ours = True  # nobody else says that its time is up

    def __init__(self, call: Call, pool: Pool, wish: Execute) -> None:
        names = call.run._surroundings()
        args, kwargs = call.work()
        self._current = current_of(call.run, names, wish)
        self.future = pool.submit(execute, self._current, names, call.task, args, kwargs)

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
        run, names = call.run, call.run._surroundings()
        self._run, self._pool, self._generation = run, pool, pool.generation
        journal = run.journal if isinstance(run.journal, Journal) and run.clock is None else None
        address = None if journal is None else journal.address
        self._journal = None if address is None else journal
        deadline = wish.deadline
        self.deadline_is_ours = not pool.fatal
        self._attempt = Attempt(
            run=run.id,
            seq=len(run.history),
            current=current_of(run, names, wish),
            names=dict(names),
            owner=f"{socket.gethostname()[:64]}:{os.getpid()}#{len(run.history)}",
            address=address,
            kind=None if address is None else _reporting(run),
            lease=_LEASE,
            seconds=None if deadline is None else (deadline - _now(run)).total_seconds(),
            mark=pool.mark(),
            fatal=pool.fatal,
        )
        work = (
            packed(f"the work of {run.id!r}", (call.task, *call.work())) if task is None else task
        )
        self.future = pool.submit(carry_out, self._attempt, work)

    def answer(self) -> Answer:
        """What came of it, once the future is done; the journal is asked first."""
        answer: Answer
        try:
            error = self.future.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            answer = unpacked(Packed(*self.future.result()))
        else:
            answer = self._pool.verdict(error, self._generation, self._attempt.mark)
        if isinstance(answer, Lost | Displaced):
            begun = self._revoke()
            if error is not None and self._journal is not None and not begun:
                return Displaced()  # its worker died before it came to this
        return answer

    def give_up(self) -> None:
        """Nobody waits for it any more: what it would report is too late from now on."""
        self.future.cancel()
        self._revoke()

    def _revoke(self) -> bool:
        """Take the claim back, so that the next attempt can have it; whether there was one."""
        if self._journal is None:
            return False
        with suppress(JournalError, UnknownRun):
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
    kind = kind_of(type(run))
    asked = (run._callbacks or run.callbacks).asks_first
    return None if asked or named(kind) is not type(run) else kind


def _now(run: TaskRun) -> Any:
    if run.clock is None:
        return ambient.now()
    with ambient.clock(run.clock):
        return ambient.now()
