"""Attempt: one execution of a task in another process, as it claims, reports and answers.

Every executor carries out what it is given at least once: a worker that seems lost may live, and
its work be given to another. So the attempt is claimed in the journal first: whoever comes second
finds it claimed and does nothing, and who was given up and comes back is refused by its epoch.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from states.record import recorded

from .callbacks import Callbacks, Plan, Way
from .current import CurrentRun
from .drive import fulfilled, settle
from .errors import InvalidArgument, JournalError, MissingExtra, StaleRun
from .execution import execute
from .journal import Journal
from .journal.renewal import Renewal
from .naming import named
from .task import TaskRun
from .wish import Answer, Expired, Lost, Raised, Returned, Settled

if TYPE_CHECKING:
    from .journal import Claim
    from .journal.address import Address

__all__ = ["Attempt", "Packed", "carry_out", "follow_parent", "packed", "unpacked"]

_GRACE = 5.0  # seconds after its time until a task that does not end is killed with its process
_PATIENCE = 1.0  # seconds between two looks at whether the run has moved on


@attrs.frozen
class Attempt:
    """One execution of a task in another process: all that travels there of its run."""

    run: str
    seq: int  # of the step that started it
    current: CurrentRun
    names: Mapping[str, Any]  # the ambient context
    owner: str  # who claims it; where, is added there
    address: Address | None = None  # of its journal; None: the answer only travels back
    kind: str | None = None  # the class that reports it, by name; None: who asked will
    lease: float = 60.0  # seconds
    seconds: float | None = None  # until its time is up
    mark: str | None = None  # the file in which a process says that it carries this out
    fatal: bool = False  # whether its process does nothing else, and may be killed with it


class Packed(NamedTuple):
    """An answer on its way back; an error that cannot travel is told as it was written down."""

    answer: bytes
    said: str = ""
    traceback: str = ""


class RemoteError(Exception):
    """What a task raised in another process, where the error itself could not travel."""


class RemoteTraceback(Exception):
    """Where in another process it was raised."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


class _TimeIsUp(BaseException):
    """Raised in the task when its time is up."""


def packed(what: str, value: object) -> bytes:
    """Pickle what is to travel.

    Raises:
        InvalidArgument: It cannot.
        MissingExtra: What pickles functions is not installed.
    """
    try:
        import cloudpickle  # at the door: threads do without  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra("work in other processes", "process") from error
    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:  # how a value is reduced is anyone's code
        raise InvalidArgument(
            f"{what} cannot travel to another process: {type(error).__name__}: {error}"
        ) from error
    return data


def unpacked(parcel: Packed) -> Answer:
    """The answer that a process has sent."""
    import pickle  # what a worker of our own sent, never what is stored

    try:
        answer: Answer = pickle.loads(parcel.answer)
    except Exception as error:  # its class may be there and not here, or make itself otherwise
        if not parcel.said:
            return Raised(RemoteError(f"the answer cannot be read here: {error!r}"))
        answer = Raised(RemoteError(parcel.said))
    if isinstance(answer, Raised) and parcel.traceback and answer.error.__cause__ is None:
        answer.error.__cause__ = RemoteTraceback(parcel.traceback)
    return answer


def carry_out(attempt: Attempt, work: bytes) -> Packed:
    """Execute the task that *work* is, here; claim the attempt first, and report it."""
    with _under_way, _marked(attempt):
        if attempt.address is None:
            return _parcel(_answered(attempt, work))
        return _parcel(_claimed(attempt, work, _opened(os.getpid(), attempt.address)))


def _claimed(attempt: Attempt, work: bytes, journal: Journal) -> Answer:
    owner = f"{attempt.owner} on {socket.gethostname()[:64]}:{os.getpid()}"
    claims = journal.claim(run=attempt.run, owner=owner, lease=attempt.lease)
    if not claims:
        return Lost("another worker has this attempt")
    (claim,) = claims
    try:
        if journal.summary(attempt.run).steps != attempt.seq:
            return Lost("this attempt is over")
        with Renewal(claims, lease=attempt.lease) as renewal:
            attempt.current._moved = _Moved(attempt, journal, renewal)
            answer = _answered(attempt, work)
        return _reported(attempt, answer, claim)
    finally:
        with contextlib.suppress(JournalError):  # the lease will lapse
            claim.release()


def _reported(attempt: Attempt, answer: Answer, claim: Claim) -> Answer:
    """Make the steps that follow, where the class is known; else the answer is for who asked."""
    kind = None if attempt.kind is None else named(attempt.kind, imported=True)
    if kind is None or not issubclass(kind, TaskRun):
        return answer
    try:
        run = kind.restore(attempt.run, claim)
        run._callbacks = _Hushed(run.callbacks)
        steps = settle(run, answer)
        with contextlib.suppress(StopIteration):
            fulfilled(run, steps, next(steps))
    except StaleRun:
        return Lost("the run has moved on")
    except Exception:  # a full disk, a guard that raises: who asked may fare better
        return answer
    return Settled()


class _Hushed(Callbacks):
    """The callbacks of a run in a worker: who is told afterwards is told where it is driven.

    What has an outbox is written there, as ever.
    """

    __slots__ = ()

    def __init__(self, of: Callbacks) -> None:
        super().__init__(of._chain)

    def _make(self, way: Way) -> Plan:
        return super()._make(way).written()


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


def _answered(attempt: Attempt, work: bytes) -> Answer:
    """Unpack the task and call it, within its time where that can be enforced."""
    import pickle  # what our own runner packed, never what is stored

    try:
        task, args, kwargs = pickle.loads(work)
        with _time_limit(attempt):
            return Returned(execute(attempt.current, attempt.names, task, args, kwargs))
    except _TimeIsUp:
        return Expired(stopped=True)
    except BaseException as error:
        return Raised(error)


@contextlib.contextmanager
def _time_limit(attempt: Attempt) -> Iterator[None]:
    """Raise in the task when its time is up; kill the process of one that goes on all the same.

    Only a process of a pool can be: its main thread, where signals arrive, executes the task.
    """
    if attempt.seconds is None or not attempt.fatal:
        yield
        return
    seconds = max(attempt.seconds, 0.001)
    errors = sys.__stderr__ or open(os.devnull, "w")  # noqa: SIM115  # until the process ends
    faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=errors)
    alarmed = hasattr(signal, "setitimer")
    try:
        if alarmed:
            signal.signal(signal.SIGALRM, _raise_time_is_up)
            signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            if alarmed:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _raise_time_is_up(_signal: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


def _parcel(answer: Answer) -> Packed:
    """Pack an answer; a result that cannot travel is the task's failure."""
    said = traceback = ""
    if isinstance(answer, Raised):
        record = recorded(answer.error)
        said, traceback = f"{record.type}: {record.text}", "\n".join(record.traceback)
    try:
        return Packed(packed("what the task returned", answer), said, traceback)
    except InvalidArgument as error:
        if isinstance(answer, Raised):
            return Packed(b"", said, traceback)
        return Packed(packed("the error", Raised(InvalidArgument(str(error)))))


@contextlib.contextmanager
def _marked(attempt: Attempt) -> Iterator[None]:
    """Say which process this is, for as long as it lives."""
    if attempt.mark is None:
        yield
        return
    mark = Path(attempt.mark)
    mark.write_text(str(os.getpid()), "ascii")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


@functools.lru_cache(maxsize=8)
def _opened(_process: int, address: Address) -> Journal:
    """One journal for each process: a connection does not survive a fork."""
    return address.open()


class _UnderWay:
    """How many attempts this process carries out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until there are none."""
        with self._changed:
            self._changed.wait_for(lambda: not self._count)


_under_way = _UnderWay()


def follow_parent() -> None:
    """Leave with the process that made this one, though it was killed: when what is done is done.

    And leave its interrupts to it: it says what becomes of the runs.
    """
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), name="fsm-parent", daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    _under_way.wait()
    os._exit(0)
