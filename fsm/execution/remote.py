"""The entry point of a task in a worker process: claims the attempt, calls the task, records it.

Executors deliver at least once: a worker that seems lost may be alive while its work is given to
another. So the attempt is claimed in the journal first. The second worker finds it claimed and
does nothing; a worker whose claim was revoked is refused by its epoch (fencing token).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import attrs

from fsm.errors import JournalError, StaleRun
from fsm.execution.pools.time_limit import TimeLimitExceeded, enforce_time_limit
from fsm.journal import Claim, Heartbeat, Journal
from fsm.run.access import mute_listeners_after
from fsm.tasks.policy import Policy, Timeout
from fsm.tasks.task_run import TaskRun

from .apply import run_commands
from .commands import Expired, Lost, Raised, Recorded, Reply, Returned
from .context import call_in_context
from .pickling import SerializedReply, class_from_ref, serialize_reply
from .results import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsm.journal import Address

__all__ = ["RemoteTask", "run_remote_task"]

_LOOK = 1.0  # seconds between two reads of the journal, for whether the run has moved on


@attrs.frozen
class RemoteTask:
    """One execution of a task in another process: plain data, so that it can always be unpickled.

    The user's objects travel beside it, pickled, and are unpickled where an error is handled.
    """

    run: str
    seq: int  # of the step that started the attempt
    owner: str  # the driver that claims it; host and process of the worker are added there
    address: Address | None = None  # of its journal; None: only the reply travels back
    kind: str | None = None  # reference to the class of the run; None: the driver records it
    lease: float = 60.0  # seconds
    seconds: float | None = None  # time limit; None: it has none, or it cannot be enforced


def run_remote_task(task: RemoteTask, context: bytes, work: bytes) -> SerializedReply:
    """Claim the attempt, call the task and record its result in the journal, in this process.

    Args:
        context: Its `CurrentRun` and its ambient names, pickled.
        work: The callable, its positional and its keyword arguments, pickled.
    """
    if task.address is None:
        return serialize_reply(_call(task, context, work))
    try:
        journal = _open_journal(task.address)
    except JournalError as error:  # such as another machine's file: a retry would not find it
        error.add_note(f"in process {os.getpid()} on {socket.gethostname()}, for {task.run!r}")
        return serialize_reply(Raised(error))
    try:
        return serialize_reply(_claim_and_call(task, context, work, journal))
    except JournalError as error:  # before the task was called: it can be tried again
        return serialize_reply(Lost(f"it could not be claimed: {error}"))


def _claim_and_call(task: RemoteTask, context: bytes, work: bytes, journal: Journal) -> Reply:
    owner = f"{task.owner} on {socket.gethostname()[:64]}:{os.getpid()}"
    claims = journal.claim(run=task.run, owner=owner, lease=task.lease)
    if not claims and _revoke_older_claim(task, journal):
        claims = journal.claim(run=task.run, owner=owner, lease=task.lease)
    if not claims:
        return Lost("another worker has this attempt")
    (claim,) = claims
    try:
        if journal.summary(task.run).steps != task.seq:
            return Lost("this attempt is over")
        run = _restore(task, claim)
        with Heartbeat(claims, lease=task.lease) as heartbeat:
            check = _CancelCheck(task, journal, heartbeat)
            reply = _call(task, context, work, check)
        return reply if run is None else _record(run, reply)
    finally:
        with contextlib.suppress(JournalError):  # then the claim expires
            claim.release()


def _revoke_older_claim(task: RemoteTask, journal: Journal) -> bool:
    """Revoke the claim of an earlier attempt; return whether the run can be claimed now.

    A driver that was killed leaves such claims, and workers that still renew them.
    """
    summary = journal.summary(task.run)
    if summary.steps != task.seq or (summary.owner or "").startswith(f"{task.owner} on "):
        return False  # we are late, or another worker has this very attempt
    return summary.owner is None or journal.revoke(task.run, owner=summary.owner)


def _restore(task: RemoteTask, claim: Claim) -> TaskRun | None:
    """Return the run, to record the result in; None if it cannot be restored here."""
    try:
        kind = None if task.kind is None else class_from_ref(task.kind, import_module=True)
        if kind is None or not issubclass(kind, TaskRun):
            return None
        run = kind.restore(task.run, claim)
    except Exception:  # its module is missing here, or differs: the driver records the result
        return None
    mute_listeners_after(run)
    return run


def _record(run: TaskRun, reply: Reply) -> Reply:
    """Make the steps that follow from the result. The journal keeps a late one as such."""
    try:
        if run.deadline is not None and _has_moved_on(run):
            # The time-out is recorded already; the late result is what is new.
            run.policy = Policy(run.policy.retry, Timeout(), run.policy.cache)
        run_commands(run, settle(run, reply))
    except StaleRun:
        return Lost("the run has moved on")
    except Exception:  # such as a full disk, or a guard that raises: the driver may succeed
        return reply
    return Recorded()


def _has_moved_on(run: TaskRun) -> bool:
    assert isinstance(run.journal, Claim), "it was restored from one"
    return sum(1 for _ in run.journal.records(run.id)) != len(run.history)


class _CancelCheck:
    """Whether the run has moved on without its task. Reads the journal at most once a second."""

    def __init__(self, task: RemoteTask, journal: Journal, heartbeat: Heartbeat) -> None:
        self._task, self._journal, self._heartbeat = task, journal, heartbeat
        self._checked = time.monotonic()

    def __call__(self) -> bool:
        if self._heartbeat.lost:
            return True
        if time.monotonic() - self._checked < _LOOK:
            return False
        self._checked = time.monotonic()
        try:
            return self._journal.summary(self._task.run).steps != self._task.seq
        except JournalError:
            return False


def _call(
    task: RemoteTask, context: bytes, work: bytes, moved: Callable[[], bool] | None = None
) -> Reply:
    """Unpickle the task and call it, within its time limit where that can be enforced."""
    import pickle  # of data that our own driver sent, never of data that is stored

    try:
        with enforce_time_limit(task.seconds):
            current, names = pickle.loads(context)
            current._moved = moved
            return Returned(call_in_context(current, names, *pickle.loads(work)))
    except TimeLimitExceeded:
        return Expired(stopped=True)
    except BaseException as error:
        return Raised(error)


_opening = threading.Lock()
_journals: dict[tuple[int, Address], Journal] = {}


def _open_journal(address: Address) -> Journal:
    """Return the journal of this process: a connection does not survive a fork."""
    key = os.getpid(), address
    with _opening:  # a Dask worker has several threads
        if key not in _journals:
            _journals[key] = address.open()
        return _journals[key]


@atexit.register
def _close_journals() -> None:
    """Close the journals of this process while the modules that close them still exist."""
    for (process, _), journal in _journals.items():
        if process == os.getpid():
            journal.close()
