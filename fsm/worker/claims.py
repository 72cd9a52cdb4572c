"""The runs that a worker has claimed and not given back."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import CorruptJournal, JournalError, LifecycleError, StaleRun
from fsm.execution.apply import apply
from fsm.execution.batch import Group
from fsm.execution.call import Call
from fsm.execution.commands import CatchUp, Fire
from fsm.journal.phase import WAITING, phase_of
from fsm.operations import rescue
from fsm.operations.control import restore_task_run
from fsm.states import Running, ambient
from fsm.tasks.policy import Policy
from fsm.telemetry import observers

from .job import ClaimedJob, WorkerStopped

if TYPE_CHECKING:
    from fsm.execution.job import Job
    from fsm.flow.task import Task
    from fsm.journal import Claim, Heartbeat, Journal
    from fsm.tasks.task_run import TaskRun

__all__ = ["ClaimedRuns", "WorkerSettings"]

logger: logging.Logger = logging.getLogger("fsm.worker")

_RESCUES_A_LEASE = 3  # how often lost runs are rescued in the time of one lease
_LONGEST_PAUSE = 30.0  # seconds between two tries to reach a journal
_STOPPED = "Its worker was stopped; it starts again."

_SUBMITTING = ("submit", "schedule", "queue")  # first steps of runs that are left to workers


@attrs.frozen(kw_only=True)
class WorkerSettings:
    """How a worker works; see the arguments of `Worker`. Times are in seconds."""

    journal: Journal
    tasks: tuple[Task[..., Any], ...]
    workers: int
    owner: str
    lease: float
    poll: float
    grace: float
    on_done: Callable[[TaskRun], object] | None


class ClaimedRuns(Group):
    """The runs that a worker has claimed: as many as it has room for, until it is to stop.

    Args:
        drain_end: Returns when a drain ends, by the monotonic clock; None while there is none.
        once: Whether the group is over when nothing more is due.
    """

    active: int  # as in Group

    def __init__(
        self,
        settings: WorkerSettings,
        heartbeat: Heartbeat,
        drain_end: Callable[[], float | None],
        *,
        once: bool,
    ) -> None:
        super().__init__(iter(()), on_end=self._on_end)
        self._settings, self._heartbeat, self._once = settings, heartbeat, once
        self._drain_end = drain_end
        self._journal = settings.journal
        self._tasks = {task.kind.lifecycle.kind: task for task in settings.tasks}
        self._kinds = [task.kind for task in settings.tasks]
        self._claimed: dict[Claim, ClaimedJob | None] = {}
        self._next_claim = self._next_rescue = 0.0  # by the monotonic clock
        self._pause = settings.poll
        self._idle = False
        self.finished: int = 0  # runs that have finished here

    # What the scheduler asks.

    def next(self) -> Job | None:
        """Return a job whose wait is over, or that of another run that is due."""
        if self._drain_end() is not None:
            return None
        if self.ready:
            return self.ready.popleft()
        while (claim := self._claim()) is not None:
            job = self._create_job(claim)
            if job is not None:
                job.group = self
                self.active += 1
                return job
        return None

    def attend(self) -> float:
        """Give up lost runs and rescue those of other workers, when it is time.

        Raises:
            WorkerStopped: A drain has ended.
        """
        now, drain_end = time.monotonic(), self._drain_end()
        if drain_end is not None:
            if not self.executing or drain_end <= now:
                raise WorkerStopped
            return drain_end - now
        self._give_up_lost()
        if self._next_rescue <= now:
            self.rescue()
        times = [self._next_rescue]
        if self.executing < self._settings.workers:
            times.append(self._next_claim)
        return max(0.0, min(times) - now)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, and nothing more is to come."""
        return self._idle and not self.active

    # Claims that come.

    def _claim(self) -> Claim | None:
        """Claim the run that has been due for longest; None if none is, or it is too early."""
        settings = self._settings
        if time.monotonic() < self._next_claim:
            return None
        try:
            claims = self._journal.claim(
                owner=settings.owner, lease=settings.lease, kinds=self._kinds
            )
        except JournalError as error:
            self._back_off("claim runs that are due", error)
            return None
        self._pause = settings.poll
        self._idle = self._once and not claims
        if claims:
            return claims[0]
        self._next_claim = time.monotonic() + settings.poll
        return None

    def _create_job(self, claim: Claim) -> ClaimedJob | None:
        """Return the job of a claimed run; None if it cannot be performed."""
        self._claimed[claim] = None
        self._heartbeat.add(claim)
        try:
            call = self._create_call(claim)
        except CorruptJournal as error:
            self._fail(claim, f"Its worker cannot restore it: {error}")
        except LifecycleError as error:
            self._leave(claim, str(error))
        else:
            if call is not None:
                self._claimed[claim] = job = ClaimedJob(call, claim, self._settings.lease)
                return job
        return None

    def _create_call(self, claim: Claim) -> Call | None:
        """Return the call of a run; None if it is not to be called."""
        task = self._tasks[self._journal.summary(claim.run).kind]
        run = task.kind.restore(claim.run, claim)
        if run.history[0].event not in _SUBMITTING:
            self._leave(claim, "it was not submitted, so its creator performs it", run)
            return None
        if (why := _why_not_callable(task.function, run.args, run.kwargs)) is not None:
            self._fail(claim, f"Its journal does not have the arguments of its task: {why}", run)
            return None
        return Call(run, task, run.args, run.kwargs)

    # Claims that go.

    def _on_end(self, job: Job) -> None:
        assert isinstance(job, ClaimedJob)
        run, error = job.run, job.error
        self._next_claim, self._idle = 0.0, False
        if job.lost or isinstance(error, StaleRun):
            logger.warning("run %s: another worker has it: %s", run.id, error or run.state)
            self._release(job.claim)
        elif error is not None:
            self._leave(job.claim, f"{type(error).__name__}: {error}", run)
        else:
            self._release(job.claim)
            self._notify(run)

    def put_back(self) -> None:
        """Release all claims; runs that are executed are paused, to start again elsewhere."""
        for claim, job in tuple(self._claimed.items()):
            if job is not None and not job.lost:
                self._put_back_run(job)
            if claim in self._claimed:
                self._release(claim)

    def _put_back_run(self, job: ClaimedJob) -> None:
        run = job.run
        try:
            apply(run, CatchUp(), observers())
            if isinstance(run.state, Running):
                payload = {"start_time": ambient.now(), "message": _STOPPED}
                apply(run, Fire("pause", payload), observers())
        except Exception as error:  # of the journal, the table, or a listener that vetoes
            self._leave(job.claim, f"it cannot be put back: {error}", run)

    def _release(self, claim: Claim) -> None:
        self._forget(claim)
        try:
            claim.release()
        except JournalError as error:  # then it expires
            logger.warning("run %s: cannot release the claim: %s", claim.run, error)

    def _leave(self, claim: Claim, why: str, run: TaskRun | None = None) -> None:
        """Let the claim expire: at once if its run is in the middle of something, for a rescue.

        A run that waits would be claimed again at once, and meet the same error.
        """
        logger.error("run %s is left until its claim expires: %s", claim.run, why)
        self._forget(claim)
        if run is not None and phase_of(run.state) != WAITING:
            with suppress(LifecycleError):
                claim.lapse()

    def _fail(self, claim: Claim, why: str, run: TaskRun | None = None) -> None:
        """Fail a run that no worker can perform, so that none tries again."""
        logger.error("run %s: %s", claim.run, why)
        try:
            run = restore_task_run(claim.run, claim, Policy()) if run is None else run
            apply(run, Fire("fail", {"message": why}), observers())
        except Exception as error:  # not even its history can be read, or a listener vetoes
            self._leave(claim, str(error))
        else:
            self._release(claim)
            self._notify(run)

    def _forget(self, claim: Claim) -> None:
        self._heartbeat.remove(claim)
        self._claimed.pop(claim, None)

    def _notify(self, run: TaskRun) -> None:
        self.finished += run.state.is_finished()
        if self._settings.on_done is not None:
            try:
                self._settings.on_done(run)
            except Exception:  # a listener must not stop the worker
                logger.exception("run %s: on_done failed", run.id)

    # What other workers do.

    def rescue(self) -> None:
        """Rescue the runs of our tasks whose workers are lost."""
        settings = self._settings
        self._next_rescue = time.monotonic() + settings.lease / _RESCUES_A_LEASE
        try:
            for rescued in rescue(self._journal, *self._kinds, owner=settings.owner):
                if rescued.skipped is None:
                    logger.warning(
                        "run %s, lost by %s: now %s", rescued.run, rescued.owner, rescued.state
                    )
        except JournalError as error:
            self._back_off("look for lost runs", error)

    def _give_up_lost(self) -> None:
        while self._heartbeat.lost:
            job = self._claimed.get(self._heartbeat.lost.pop())
            if job is not None:
                job.lose()

    def _back_off(self, what: str, error: JournalError) -> None:
        """Try again after a pause, which doubles each time; raise if we work only once."""
        if self._once:
            raise error
        logger.warning("cannot %s, next try in %.1f s: %s", what, self._pause, error)
        self._next_claim = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


@functools.lru_cache(maxsize=256)
def _signature(function: object) -> inspect.Signature | None:
    try:
        return inspect.signature(function)  # type: ignore[arg-type]  # callable, as Task has checked
    except (TypeError, ValueError):  # it has none
        return None


def _why_not_callable(
    function: object, args: tuple[object, ...], kwargs: dict[str, object]
) -> str | None:
    """Return why *function* cannot be called with these arguments; None if nothing is known."""
    signature = _signature(function)
    if signature is None:
        return None
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None
