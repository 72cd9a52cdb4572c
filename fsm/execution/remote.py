"""Attempt: one execution of a task in another process, as it claims, reports and answers.

Every executor carries out what it is given at least once: a worker that seems lost may live, and
its work be given to another. So the attempt is claimed in the journal first: whoever comes second
finds it claimed and does nothing, and who was given up and comes back is refused by its epoch.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import attrs

from fsm.errors import JournalError, StaleRun
from fsm.execution.pools.time_limit import TimeIsUp, time_limit
from fsm.journal import Claim, Journal
from fsm.journal.heartbeat import Renewal
from fsm.run.access import mute_listeners_after
from fsm.tasks.policy import Policy, Timeout
from fsm.tasks.task_run import TaskRun

from .apply import fulfilled
from .commands import Answer, Expired, Lost, Raised, Returned, Settled
from .context import call_in_context
from .pickling import Packed, class_from_ref, parcel
from .results import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsm.journal.address import Address

__all__ = ["Attempt", "carry_out"]

_PATIENCE = 1.0  # seconds between two looks at whether the run has moved on


@attrs.frozen
class Attempt:
    """One execution of a task in another process: plain data, so that it arrives anywhere.

    What the user has made travels beside it, packed, and is unpacked where that may fail.
    """

    run: str
    seq: int  # of the step that started it
    owner: str  # who claims it; where, is added there
    address: Address | None = None  # of its journal; None: the answer only travels back
    kind: str | None = None  # the class that reports it, by name; None: who asked will
    lease: float = 60.0  # seconds
    seconds: float | None = None  # until it is stopped; None: it cannot be, or need not


def carry_out(attempt: Attempt, surroundings: bytes, work: bytes) -> Packed:
    """Execute the task that *work* is, here; claim the attempt first, and report it."""
    if attempt.address is None:
        return parcel(_answered(attempt, surroundings, work))
    try:
        journal = _opened(attempt.address)
    except JournalError as error:  # another machine's file: it will not be found next time either
        error.add_note(f"in process {os.getpid()} on {socket.gethostname()}, for {attempt.run!r}")
        return parcel(Raised(error))
    try:
        return parcel(_claimed(attempt, surroundings, work, journal))
    except JournalError as error:  # before the task was called; it may come back
        return parcel(Lost(f"it could not be claimed: {error}"))


def _claimed(attempt: Attempt, surroundings: bytes, work: bytes, journal: Journal) -> Answer:
    owner = f"{attempt.owner} on {socket.gethostname()[:64]}:{os.getpid()}"
    claims = journal.claim(run=attempt.run, owner=owner, lease=attempt.lease)
    if not claims and _supersedes(attempt, journal):
        claims = journal.claim(run=attempt.run, owner=owner, lease=attempt.lease)
    if not claims:
        return Lost("another worker has this attempt")
    (claim,) = claims
    try:
        if journal.summary(attempt.run).steps != attempt.seq:
            return Lost("this attempt is over")
        run = _restored(attempt, claim)
        with Renewal(claims, lease=attempt.lease) as renewal:
            moved = _Moved(attempt, journal, renewal)
            answer = _answered(attempt, surroundings, work, moved)
        return answer if run is None else _reported(run, answer)
    finally:
        with contextlib.suppress(JournalError):  # the lease will lapse
            claim.release()


def _supersedes(attempt: Attempt, journal: Journal) -> bool:
    """Take the claim from whoever has it for another attempt, which this one has superseded.

    A driver that was killed leaves such claims, and workers that still renew them.
    """
    stands = journal.summary(attempt.run)
    if stands.steps != attempt.seq or (stands.owner or "").startswith(f"{attempt.owner} on "):
        return False  # it is we who are late, or somebody is at this very attempt
    return stands.owner is None or journal.revoke(attempt.run, owner=stands.owner)


def _restored(attempt: Attempt, claim: Claim) -> TaskRun | None:
    """The run as the attempt finds it, to report by; None where it cannot be made here."""
    try:
        kind = None if attempt.kind is None else class_from_ref(attempt.kind, imported=True)
        if kind is None or not issubclass(kind, TaskRun):
            return None
        run = kind.restore(attempt.run, claim)
    except Exception:  # a module that is not here, or another one: who asked will report
        return None
    mute_listeners_after(run)
    return run


def _reported(run: TaskRun, answer: Answer) -> Answer:
    """Make the steps that follow. What comes too late the claim sets aside."""
    try:
        if run.deadline is not None and _is_over(run):
            # Whose time was up is known; what came of it all the same is the news.
            run.policy = Policy(run.policy.retry, Timeout(), run.policy.cache)
        steps = settle(run, answer)
        with contextlib.suppress(StopIteration):
            fulfilled(run, steps, next(steps))
    except StaleRun:
        return Lost("the run has moved on")
    except Exception:  # a full disk, a guard that raises: who asked may fare better
        return answer
    return Settled()


def _is_over(run: TaskRun) -> bool:
    assert isinstance(run.journal, Claim), "it was restored from one"
    return sum(1 for _ in run.journal.records(run.id)) != len(run.history)


class _Moved:
    """Whether the run has moved on without us; asked of the journal once a second at most."""

    def __init__(self, attempt: Attempt, journal: Journal, renewal: Renewal) -> None:
        self._attempt, self._journal, self._renewal = attempt, journal, renewal
        self._asked = time.monotonic()

    def __call__(self) -> bool:
        if self._renewal.lost:
            return True
        if time.monotonic() - self._asked < _PATIENCE:
            return False
        self._asked = time.monotonic()
        try:
            return self._journal.summary(self._attempt.run).steps != self._attempt.seq
        except JournalError:
            return False


def _answered(
    attempt: Attempt, surroundings: bytes, work: bytes, moved: Callable[[], bool] | None = None
) -> Answer:
    """Unpack the task and call it, within its time where that can be enforced."""
    import pickle  # what our own runner packed, never what is stored

    try:
        with time_limit(attempt.seconds):
            current, names = pickle.loads(surroundings)
            current._moved = moved
            return Returned(call_in_context(current, names, *pickle.loads(work)))
    except TimeIsUp:
        return Expired(stopped=True)
    except BaseException as error:
        return Raised(error)


_opening = threading.Lock()
_journals: dict[tuple[int, Address], Journal] = {}


def _opened(address: Address) -> Journal:
    """One journal for each process: a connection does not survive a fork."""
    here = os.getpid(), address
    with _opening:  # a Dask worker has several threads
        if here not in _journals:
            _journals[here] = address.open()
        return _journals[here]
