"""Shift: what a worker has claimed and not given back."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from fsm.errors import CorruptJournal, JournalError, LifecycleError, StaleRun
from fsm.execution.apply import made
from fsm.execution.batch import Group
from fsm.execution.call import Call
from fsm.execution.commands import CatchUp, Fire
from fsm.journal.phase import WAITING, phase_of
from fsm.operations import rescue
from fsm.operations.control import restore_task_run
from fsm.states import Running, ambient
from fsm.tasks.policy import Policy
from fsm.telemetry import observers

from .job import Held, Stopped

if TYPE_CHECKING:
    from fsm.execution.job import Trip
    from fsm.journal import Claim
    from fsm.journal.heartbeat import Renewal
    from fsm.tasks.task_run import TaskRun

    from .worker import Worker

__all__ = ["Shift"]

logger = logging.getLogger("fsm.worker")

_BEATS = 3  # rescues in the time of one lease
_LONGEST_PAUSE = 30.0  # seconds between two looks at a journal that cannot be reached
_STOPPED = "Its worker was stopped; it starts again."

_LEFT_TO_WORKERS = ("submit", "schedule", "queue")  # the first step of what was


class Shift(Group):
    """The runs that a worker has claimed: as many as there is room for, until it is to stop.

    Args:
        once: Whether it ends when nothing more is due.
    """

    def __init__(self, worker: Worker, renewal: Renewal, *, once: bool) -> None:
        super().__init__(iter(()), ended=self._ended)
        self._worker, self._renewal, self._once = worker, renewal, once
        self._journal = worker.journal
        self._tasks = {task.kind.lifecycle.kind: task for task in worker.tasks}
        self._kinds = [task.kind for task in worker.tasks]
        self._held: dict[Claim, Held | None] = {}
        self._asks = self._rescues = 0.0  # when next, by the steady clock
        self._pause = worker.poll
        self._idle = False
        self.finished = 0

    # What the scheduler asks.

    def next(self) -> Trip | None:
        """A run to go on with: one whose wait is over, or another that is due."""
        if self._worker.draining_until is not None:
            return None
        if self.starting:
            return self.starting.popleft()
        while (claim := self._claimed()) is not None:
            trip = self._begun(claim)
            if trip is not None:
                trip.group = self
                self.live += 1
                return trip
        return None

    def attend(self) -> float:
        """See to what has changed around the runs."""
        now, until = time.monotonic(), self._worker.draining_until
        if until is not None:
            if not self.executed or until <= now:
                raise Stopped
            return until - now
        self._give_up_lost()
        if self._rescues <= now:
            self.rescue()
        times = [self._rescues]
        if self.executed < self._worker.workers:
            times.append(self._asks)
        return max(0.0, min(times) - now)

    @property
    def over(self) -> bool:
        """Whether nothing is left, and nothing more is to come."""
        return self._idle and not self.live

    # Claims that come.

    def _claimed(self) -> Claim | None:
        """The run that has been due for longest, if there is one and it is time to ask."""
        worker = self._worker
        if time.monotonic() < self._asks:
            return None
        try:
            claims = self._journal.claim(owner=worker.owner, lease=worker.lease, kinds=self._kinds)
        except JournalError as error:
            self._trouble("ask for what is due", error)
            return None
        self._pause = worker.poll
        self._idle = self._once and not claims
        if claims:
            return claims[0]
        self._asks = time.monotonic() + worker.poll
        return None

    def _begun(self, claim: Claim) -> Held | None:
        """The trip of a run that was claimed; None if it cannot be made."""
        self._held[claim] = None
        self._renewal.add(claim)
        try:
            call = self._call(claim)
        except CorruptJournal as error:
            self._refuse(claim, f"Its worker cannot restore it: {error}")
        except LifecycleError as error:
            self._leave(claim, str(error))
        else:
            if call is not None:
                self._held[claim] = trip = Held(call, claim, self._worker.lease)
                return trip
        return None

    def _call(self, claim: Claim) -> Call | None:
        """What is to be called for a run; None if it is not to be called."""
        task = self._tasks[self._journal.summary(claim.run).kind]
        run = task.kind.restore(claim.run, claim)
        if run.history[0].event not in _LEFT_TO_WORKERS:
            self._leave(claim, "it was not submitted, so whoever made it performs it", run)
            return None
        if (why := _not_callable(task.function, run.args, run.kwargs)) is not None:
            self._refuse(claim, f"Its journal does not have what it is called with: {why}", run)
            return None
        return Call(run, task, run.args, run.kwargs)

    # Claims that go.

    def _ended(self, trip: Trip) -> None:
        assert isinstance(trip, Held)
        run, trouble = trip.run, trip.trouble
        self._asks, self._idle = 0.0, False
        if trip.lost or isinstance(trouble, StaleRun):
            logger.warning("run %s: somebody else has it: %s", run.id, trouble or run.state)
            self._release(trip.claim)
        elif trouble is not None:
            self._leave(trip.claim, f"{type(trouble).__name__}: {trouble}", run)
        else:
            self._release(trip.claim)
            self._tell(run)

    def put_back(self) -> None:
        """Give back all that is held; what is executed is paused, to start again elsewhere."""
        for claim, trip in tuple(self._held.items()):
            if trip is not None and not trip.lost:
                self._stop(trip)
            if claim in self._held:
                self._release(claim)

    def _stop(self, trip: Held) -> None:
        run = trip.run
        try:
            made(run, CatchUp(), observers())
            if isinstance(run.state, Running):
                payload = {"start_time": ambient.now(), "message": _STOPPED}
                made(run, Fire("pause", payload), observers())
        except Exception as error:  # of the journal, the table, or a listener that vetoes
            self._leave(trip.claim, f"cannot be put back: {error}", run)

    def _release(self, claim: Claim) -> None:
        self._let_go(claim)
        try:
            claim.release()
        except JournalError as error:  # then it lapses
            logger.warning("run %s: cannot release the claim: %s", claim.run, error)

    def _leave(self, claim: Claim, why: str, run: TaskRun | None = None) -> None:
        """Let the claim lapse: now if its run is in the middle of something, for a rescue.

        One that waits would be claimed again at once, and meet the same.
        """
        logger.error("run %s is left until its claim lapses: %s", claim.run, why)
        self._let_go(claim)
        if run is not None and phase_of(run.state) != WAITING:
            with suppress(LifecycleError):
                claim.lapse()

    def _refuse(self, claim: Claim, why: str, run: TaskRun | None = None) -> None:
        """Fail a run that no worker can perform, so that none tries again."""
        logger.error("run %s: %s", claim.run, why)
        try:
            run = restore_task_run(claim.run, claim, Policy()) if run is None else run
            made(run, Fire("fail", {"message": why}), observers())
        except Exception as error:  # not even its history can be read, or a listener vetoes
            self._leave(claim, str(error))
        else:
            self._release(claim)
            self._tell(run)

    def _let_go(self, claim: Claim) -> None:
        self._renewal.remove(claim)
        self._held.pop(claim, None)

    def _tell(self, run: TaskRun) -> None:
        self.finished += run.state.is_finished()
        if self._worker.told is not None:
            try:
                self._worker.told(run)
            except Exception:  # whoever only looks on stops nobody
                logger.exception("run %s: who is told of its end failed", run.id)

    # What others do.

    def rescue(self) -> None:
        """Rescue the runs of our tasks whose workers are lost."""
        self._rescues = time.monotonic() + self._worker.lease / _BEATS
        try:
            for rescued in rescue(self._journal, *self._kinds, owner=self._worker.owner):
                if rescued.skipped is None:
                    logger.warning(
                        "run %s, lost by %s: now %s", rescued.run, rescued.owner, rescued.state
                    )
        except JournalError as error:
            self._trouble("look for lost runs", error)

    def _give_up_lost(self) -> None:
        while self._renewal.lost:
            trip = self._held.get(self._renewal.lost.pop())
            if trip is not None:
                trip.lose()

    def _trouble(self, what: str, error: JournalError) -> None:
        """Ask again after a pause, twice as long each time; who works only once gives up."""
        if self._once:
            raise error
        logger.warning("cannot %s, and tries again in %.1f s: %s", what, self._pause, error)
        self._asks = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


@functools.lru_cache(maxsize=256)
def _signature(function: object) -> inspect.Signature | None:
    try:
        return inspect.signature(function)  # type: ignore[arg-type]  # callable, as Task has seen
    except (TypeError, ValueError):  # it does not say how it is called
        return None


def _not_callable(
    function: object, args: tuple[object, ...], kwargs: dict[str, object]
) -> str | None:
    """Why *function* cannot be called so, as far as it says how it is called."""
    signature = _signature(function)
    if signature is None:
        return None
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None
