"""Starts the execution of a task, in this process or in another, and reads its reply."""

from __future__ import annotations

import itertools
import os
import socket
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsm.errors import JournalError
from fsm.journal import Journal
from fsm.run.access import has_listeners_before, now, payload_context
from fsm.tasks.task_run import TaskRun

from .call import Call
from .commands import Displaced, Execute, Lost, Raised, Reply, Returned
from .context import CurrentRun, call_in_context
from .pickling import SerializedReply, class_from_ref, deserialize_reply, serialize
from .remote import RemoteTask, run_remote_task

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool

__all__ = ["LocalWork", "RemoteWork", "Work", "describe_run", "start_work"]

_LEASE = 60.0  # seconds; renewed as long as the worker lives
_MOST_DISPLACEMENTS = 100  # in a row; then the work counts as lost, which has a limit


class LocalWork:
    """A task that is executed in this process, on a thread."""

    needs_deadline: bool = True  # the scheduler has to watch its deadline

    def __init__(self, call: Call, pool: Pool, command: Execute) -> None:
        names = payload_context(call.run)
        args, kwargs = call.work()
        self._current = describe_run(call.run, names, command)
        self.future: Future[Any] = pool.submit(
            call_in_context, self._current, names, call.task, args, kwargs
        )

    def reply(self) -> Reply:
        """Return the result, once the future is done."""
        try:
            error = self.future.exception()
        except CancelledError as cancelled:  # the pool was shut down
            return Raised(cancelled)
        return Returned(self.future.result()) if error is None else Raised(error)

    def give_up(self) -> None:
        """Ask the task to end; its result is not waited for any more."""
        self._current.cancel()
        self.future.cancel()


class RemoteWork:
    """A task that is executed in another process, which claims and records it where it can.

    Args:
        data: The callable and its arguments, if they are pickled already.
    """

    def __init__(self, call: Call, pool: Pool, command: Execute, data: bytes | None) -> None:
        run, names = call.run, payload_context(call.run)
        self._run, self._pool = run, pool
        journal = run.journal if isinstance(run.journal, Journal) and run.clock is None else None
        address = None if journal is None else journal.address
        self._journal = None if address is None else journal
        self.needs_deadline: bool = not pool.fatal  # else the worker process enforces it
        seconds = None
        if pool.fatal and command.deadline is not None:
            seconds = (command.deadline - now(run)).total_seconds()
        self._task = RemoteTask(
            run=run.id,
            seq=len(run.history),
            owner=f"{socket.gethostname()[:64]}:{os.getpid()}#{len(run.history)}",
            address=address,
            kind=None if address is None else _find_recording_class(run),
            lease=_LEASE,
            seconds=seconds,
        )
        context = (describe_run(run, names, command), dict(names))
        if data is None:
            data = serialize((call.task, *call.work()), f"the work of {run.id!r}")
        self.future: Future[Any] = pool.submit(
            run_remote_task, self._task, serialize(context, f"the context of {run.id!r}"), data
        )

    def reply(self) -> Reply:
        """Return the result, once the future is done."""
        try:
            error = self.future.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            reply = deserialize_reply(SerializedReply(*self.future.result()))
            if isinstance(reply, Lost):
                self._revoke()  # of a worker that was given the same before, and died
            return reply
        verdict = self._pool.verdict(self.future, error)
        if isinstance(verdict, Raised):
            return verdict
        claimed = self._revoke()
        if self._journal is not None and not claimed and not self._pool.fatal:
            verdict = Displaced()  # its worker died before it claimed the run
        if isinstance(verdict, Displaced) and _count_displacements(self._run) >= (
            _MOST_DISPLACEMENTS
        ):
            return Lost(f"displaced {_MOST_DISPLACEMENTS} times in a row")
        return verdict

    def give_up(self) -> None:
        """Revoke the claim of the worker: a result that comes now is late."""
        self.future.cancel()
        self._revoke()

    def _revoke(self) -> bool:
        """Revoke the claim of our worker, so that the next attempt can have it.

        Returns:
            Whether there was one.
        """
        if self._journal is None:
            return False
        with suppress(JournalError):
            owner = self._journal.summary(self._run.id).owner
            if owner is not None and owner.startswith(f"{self._task.owner} on "):
                return self._journal.revoke(self._run.id, owner=owner)
        return False


Work = LocalWork | RemoteWork


def start_work(call: Call, pool: Pool, command: Execute, data: bytes | None = None) -> Work:
    """Execute the task of *call* in *pool*.

    Args:
        data: The callable and its arguments, if they are pickled already.

    Raises:
        InvalidArgument: It cannot travel to another process.
    """
    return RemoteWork(call, pool, command, data) if pool.remote else LocalWork(call, pool, command)


def describe_run(run: TaskRun, names: Any, command: Execute) -> CurrentRun:
    """Return what `current_run()` gives to the task of *run*.

    Args:
        names: The ambient names of the run.
    """
    return CurrentRun(
        id=run.id,
        attempt=names["task_run_count"],
        loop_count=names["task_loop_count"],
        loop_result=names["task_loop_result"],
        resumed=names["resume"],
        deadline=command.deadline,
    )


def _find_recording_class(run: TaskRun) -> str | None:
    """Return a reference to the class that can record the result in the worker process.

    None if the driver has to: handlers and `before` listeners can veto a step, and are registered
    in this process, perhaps only in this one.
    """
    kind = run.lifecycle.kind
    return None if has_listeners_before(run) or class_from_ref(kind) is not type(run) else kind


def _count_displacements(run: TaskRun) -> int:
    """Count how often its attempt was started and displaced, up to now."""
    again = itertools.takewhile(lambda step: step.event in ("start", "pause"), run.history[::-1])
    return sum(step.event == "pause" for step in again)
