"""Groups of jobs that are performed together, and batches in which some wait for others."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import attrs

from fsm.states import State

from .call import has_ended
from .commands import Reply
from .job import Job

__all__ = ["Batch", "Group"]


@attrs.define(eq=False)
class Group:
    """Jobs that are performed together: those of a batch, or the children of a mapped run."""

    jobs: Iterator[Job]  # created when there is room for them
    max_concurrency: float = math.inf  # how many are executed side by side
    on_end: Callable[[Job], None] = lambda _job: None  # called with each job that has ended
    reply: Callable[[], Reply] = lambda: None  # the result of all, for the job of their parent
    blocked: int = 0  # jobs that wait for others to end
    ready: deque[Job] = attrs.field(factory=deque)  # jobs whose wait is over
    executing: int = 0
    active: int = 0  # jobs that have begun and not ended
    parent: Job | None = None
    _exhausted: bool = False

    def next(self) -> Job | None:
        """Return the next job to advance; None if there is none, or no room for it."""
        if self.executing >= self.max_concurrency:
            return None
        if self.ready:
            return self.ready.popleft()
        job = None if self._exhausted else next(self.jobs, None)
        if job is None:
            self._exhausted = True
            return None
        job.group = self
        self.active += 1
        return job

    def release(self, job: Job) -> None:
        """Let a blocked job begin."""
        job.group = self
        self.blocked -= 1
        self.active += 1
        self.ready.append(job)

    def stop(self) -> None:
        """Begin no more jobs."""
        self._exhausted = True
        self.blocked = 0
        self.ready.clear()

    def attend(self) -> float:
        """Do what has to be done at times for the group as a whole; a hook for subclasses.

        Returns:
            Seconds until it has to be called again, at the latest.

        Raises:
            BaseException: Ends the scheduler's work, as an interrupt does.
        """
        return math.inf

    @property
    def is_over(self) -> bool:
        """Whether all jobs have ended."""
        return self._exhausted and not self.active and not self.blocked


class Batch:
    """Jobs that are performed together, each after those that its call names.

    A job does not begin if one above it has not reached its end, nor once the run that the batch
    is performed for, if any, has ended.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        known = {job.run.id: job for job in jobs}
        self._below: dict[Job, list[Job]] = {}
        self._blockers: dict[Job, int] = {}  # how many others a blocked job waits for
        for job in jobs:
            above = [known[run.id] for run in job.call.above if run.id in known]
            if above:
                self._blockers[job] = len(above)
            for each in above:
                self._below.setdefault(each, []).append(job)
        free = [job for job in jobs if job not in self._blockers]
        self.group: Group = _BatchGroup(iter(free), on_end=self._on_end)
        self.group.blocked = len(self._blockers)

    @property
    def error(self) -> Exception | None:
        """The error of the first job that one has stopped; None if there is none."""
        found = (job.error or job.child_error for job in self._jobs)
        return next((error for error in found if error is not None), None)

    def ends(self) -> list[State]:
        """Return the last states of the runs, in the order of the jobs.

        Raises:
            Exception: The error of the first job that one has stopped.
        """
        if (error := self.error) is not None:
            raise error
        return [job.run.state if job.end is None else job.end for job in self._jobs]

    def _on_end(self, job: Job) -> None:
        """Release the jobs that waited for this one alone; end those that can never begin."""
        if self.group.parent is not None and has_ended(self.group.parent.run.state):
            self.group.stop()
            return
        left = [(job, job.error is None and has_ended(job.run.state))]
        while left:
            above, ended = left.pop()
            for below in self._below.get(above, ()):
                self._blockers[below] -= 1
                if not ended:
                    below.end = below.run.state
                if self._blockers[below] == 0 and below.end is None:
                    self.group.release(below)
                elif self._blockers[below] == 0:
                    self.group.blocked -= 1
                    left.append((below, False))


class _BatchGroup(Group):
    """The jobs of a batch."""

    active: int  # as in Group

    def stop(self) -> None:
        """Begin no more jobs, nor those that were released and have not begun."""
        self.active -= sum(not job.generation for job in self.ready)
        super().stop()
