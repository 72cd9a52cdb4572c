"""Advances jobs as their work and their times allow. One thread decides."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable

from fsm.errors import LifecycleError
from fsm.execution.pools.base import Pool
from fsm.run.run import Clock
from fsm.states import ambient, moment

from .batch import Group
from .commands import Execute, Expired, PerformChildren, Recorded, Reply, Wait
from .job import Job

__all__ = ["Scheduler"]

logger: logging.Logger = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0  # seconds until the wall clock is read again: it may have been set
_LOOK = 1.0  # seconds until journals are read again: others may have cancelled a run


class Scheduler:
    """Performs groups of jobs, as many executed side by side as there are workers.

    Args:
        workers: How many jobs are executed at a time.
        clock: The clock to wait by; None for the system's. A clock that has `wait` is waited by.
        create_children: Returns the group of the children of a mapped job.
    """

    def __init__(
        self,
        pool: Pool,
        workers: int,
        clock: Clock | None,
        create_children: Callable[[Job, PerformChildren], Group],
    ) -> None:
        self._pool, self._workers, self._clock = pool, workers, clock
        self._create_children = create_children
        self._groups: list[Group] = []
        self._active: dict[Job, None] = {}
        self._executing: dict[Job, None] = {}
        self._replies: deque[tuple[Job, Reply]] = deque()
        self._done: queue.SimpleQueue[tuple[Job | None, int]] = queue.SimpleQueue()
        # Timers: when, a number that makes entries differ, the job and its generation. By the
        # wall clock in microseconds, with the earliest time by the steady clock in seconds; by
        # the steady clock those that the wall clock has released.
        self._wall: list[tuple[int, int, Job, int, float]] = []
        self._steady: list[tuple[float, int, Job, int, int]] = []
        self._number = itertools.count()
        self._looked = 0.0

    def perform(self, group: Group) -> None:
        """Perform all jobs of *group* to their ends.

        Raises:
            BaseException: An interrupt, or an error of `Group.attend`. Every job is abandoned
                first.
        """
        self._groups.append(group)
        self._looked = self._steady_now()
        try:
            while self._advance():
                watched = self._find_watched()
                self._wait(_LOOK if watched else _LONGEST_WAIT)
                self._read_done()
                if self._wall or self._steady:
                    self._fire_timers()
                if watched:
                    self._look(watched)
        except BaseException as error:
            for job in tuple(self._active):
                job.abandon(error)
            self._pool.stop()
            raise

    def wake(self) -> None:
        """End the present wait, and attend to all groups. Safe in signal handlers and threads."""
        self._done.put((None, 0))

    def _advance(self) -> bool:
        """Advance jobs while there are any; return whether the work is not over."""
        while True:
            if self._replies:
                job, reply = self._replies.popleft()
            else:
                free = self._next() if len(self._executing) < self._workers else None
                if free is None:
                    return bool(self._groups)
                job, reply = free, None
                self._active[job] = None
            job.advance(reply, self._pool)
            self._place(job)

    def _next(self) -> Job | None:
        """Return a job for a free worker, of the latest group first: children before others."""
        for group in reversed(self._groups):
            job = group.next()
            if job is not None:
                return job
            if group.is_over:
                self._close(group)
                return self._next() if not self._replies else None
        return None

    def _place(self, job: Job) -> None:
        """Register a job for what it waits for, or as ended."""
        command, generation, group = job.command, job.generation, job.group
        if job.is_over:
            del self._active[job]
            group.active -= 1
            group.on_end(job)
            if group.is_over:
                self._close(group)
        elif isinstance(command, Execute):
            assert job.work is not None, "a job that is executed has work"
            self._executing[job] = None
            group.executing += 1
            if command.deadline is not None and job.work.needs_deadline:
                self._set_timer(job, moment.to_micros(command.deadline), 0.0)
            job.work.future.add_done_callback(lambda _: self._done.put((job, generation)))
        elif isinstance(command, Wait):
            earliest = self._steady_now() + command.at_least
            self._set_timer(job, moment.to_micros(command.until), earliest)
        elif isinstance(command, PerformChildren):
            children = self._create_children(job, command)
            children.parent = job
            self._groups.append(children)

    def _set_timer(self, job: Job, micros: int, earliest: float) -> None:
        heapq.heappush(self._wall, (micros, next(self._number), job, job.generation, earliest))

    def _close(self, group: Group) -> None:
        self._groups.remove(group)
        if group.parent is not None and not group.parent.is_over:
            self._replies.append((group.parent, group.reply()))

    # Waiting.

    def _wait(self, longest: float) -> None:
        """Wait for the first task that ends, or the first timer."""
        for group in self._groups:
            longest = min(longest, group.attend())
        seconds = self._seconds_to_timer()
        if self._replies or (seconds is not None and seconds <= 0):
            return
        by_hand = getattr(self._clock, "wait", None)
        if by_hand is not None:  # a clock of a test
            by_hand([job.work.future for job in self._executing if job.work], seconds)
            return
        try:
            done = self._done.get(timeout=longest if seconds is None else min(seconds, longest))
        except queue.Empty:
            return
        self._end_work(*done)

    def _seconds_to_timer(self) -> float | None:
        """Return the seconds until the first timer, None without one.

        To the microsecond: a clock of a test cannot be advanced by less.
        """
        times = []
        if self._wall:
            times.append((self._wall[0][0] - self._now()) / 1e6)
        if self._steady:
            times.append(self._steady[0][0] - self._steady_now())
        return round(min(times), 6) if times else None

    def _read_done(self) -> None:
        """Read the replies of all work that is done."""
        while not self._done.empty():  # only this thread takes from it
            self._end_work(*self._done.get())

    def _end_work(self, job: Job | None, generation: int) -> None:
        if job is None or job.generation != generation or job not in self._executing:
            return  # woken up, or of work that was given up
        try:
            reply = job.read_reply()
        except Exception as error:  # such as a history that cannot be read: the others go on
            del self._executing[job]
            job.group.executing -= 1
            job.error = error
            self._place(job)
        else:
            self._add_reply(job, reply)

    def _add_reply(self, job: Job, reply: Reply) -> None:
        del self._executing[job]
        job.group.executing -= 1
        self._replies.append((job, reply))

    def _fire_timers(self) -> None:
        """Make jobs ready whose time has come by both clocks; end work after its deadline."""
        now, steady_now = self._now(), self._steady_now()
        while self._wall and self._wall[0][0] <= now:
            _, number, job, generation, earliest = heapq.heappop(self._wall)
            if job.generation != generation or job.is_over:
                continue
            if job in self._executing:
                job.give_up()
                self._add_reply(job, Expired())
            elif round(earliest - steady_now, 6) > 0:
                until = moment.to_micros(job.command.until) if isinstance(job.command, Wait) else 0
                heapq.heappush(self._steady, (earliest, number, job, generation, until))
            else:
                job.group.ready.append(job)
        while self._steady and round(self._steady[0][0] - steady_now, 6) <= 0:
            earliest, number, job, generation, until = heapq.heappop(self._steady)
            if job.generation != generation or job.is_over:
                continue
            if until > now:  # the wall clock was set back meanwhile
                heapq.heappush(self._wall, (until, number, job, generation, earliest))
            else:
                job.group.ready.append(job)

    # Steps that others make.

    def _find_watched(self) -> list[Job]:
        """Return the jobs whose runs others may move meanwhile; none under a clock of a test."""
        if getattr(self._clock, "wait", None) is not None:
            return []
        waiting = (*self._executing, *(group.parent for group in self._groups if group.parent))
        return [job for job in waiting if job.run.journal is not None]

    def _look(self, watched: Iterable[Job]) -> None:
        """See, once a second, whether others have moved the runs that are executed here."""
        now = self._steady_now()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        for job in watched:
            try:
                moved = job.has_moved()
            except LifecycleError as error:  # the journal may come back
                logger.warning("run %s: cannot see whether it has moved: %s", job.run.id, error)
                continue
            if moved and job in self._executing:
                job.give_up()
                self._add_reply(job, Recorded())
            elif moved:
                self._stop_children(job)

    def _stop_children(self, parent: Job) -> None:
        """Cancel the children of a run that was cancelled."""
        for group in [group for group in self._groups if group.parent is parent]:
            group.stop()
            for job in [job for job in self._active if job.group is group]:
                job.abandon(KeyboardInterrupt())
                job.end = job.run.state
                if job in self._executing:
                    del self._executing[job]
                    group.executing -= 1
                self._place(job)
            if group in self._groups and group.is_over:
                self._close(group)

    # Clocks.

    def _steady_now(self) -> float:
        """Return the seconds of a clock that cannot be set."""
        return float(getattr(self._clock, "steady", time.monotonic)())

    def _now(self) -> int:
        """Return the microseconds of the wall clock."""
        if self._clock is None:
            return ambient.micros()
        with ambient.clock(self._clock):
            return ambient.micros()
