"""Worker: claims the runs that are due in a journal, and performs them side by side.

A claim is released when its run needs no work for a while. If the run may be in the middle of
something, the claim is left to expire instead, so that a rescue finds the run.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from fsm.durations import as_seconds
from fsm.errors import InvalidArgument
from fsm.execution.pools import as_pool
from fsm.execution.runner import as_workers
from fsm.execution.scheduler import Scheduler
from fsm.flow.task import Task
from fsm.journal import Heartbeat, Journal
from fsm.journal.arguments import as_owner
from fsm.tasks.task_run import TaskRun

from .claims import ClaimedRuns, WorkerSettings
from .job import WorkerStopped

if TYPE_CHECKING:
    from fsm.execution.batch import Group
    from fsm.execution.commands import PerformChildren
    from fsm.execution.job import Job

__all__ = ["Worker"]


class Worker:
    """Performs the runs of some tasks that are due in a journal, as `Task.submit` left them.

        worker = Worker(journal, [load, report])
        signal.signal(signal.SIGTERM, lambda *_: worker.drain())
        worker.run()

    A run is claimed when there is room for it. The claim is renewed until the run has ended, or
    has to wait for longer than a lease. When the leases of a dead worker expire, the others
    rescue its runs. A task may be executed more than once; its result is recorded once.

    A run that another worker has claimed meanwhile is given up: `current_run().cancel_requested`
    becomes true for its task, if that runs on a thread, and its result is kept as a late result.

    Args:
        journal: Where the runs are, as `open_journal` returns it.
        tasks: Functions that `@task` decorates. Runs of others are not touched.
        workers: How many runs are executed at a time; min(32, CPUs + 4) if left out.
        lease: Seconds after which a silent worker counts as lost.
        owner: The name under which it claims; host and process if left out.
        poll: Seconds between two queries for due runs while there are none.
        grace: Seconds that a drain leaves to the tasks that are executed.
        executor: Where tasks run: "thread" (the default), "process", or an executor, as for a
            `Runner`.
        on_done: Called with each run that needs no more work of this worker for now. Its errors
            are logged.

    Raises:
        InvalidArgument: An argument is wrong.
    """

    __module__ = "fsm"

    def __init__(
        self,
        journal: Journal,
        tasks: Iterable[Task[..., Any]],
        *,
        workers: int | None = None,
        lease: float = 60.0,
        owner: str | None = None,
        poll: float = 1.0,
        grace: float = 30.0,
        executor: Executor | str | None = None,
        on_done: Callable[[TaskRun], object] | None = None,
    ) -> None:
        if not isinstance(journal, Journal):
            raise InvalidArgument(f"a journal is what open_journal() returns, not {journal!r}")
        workers = as_workers(workers)
        owner = f"{socket.gethostname()[:64]}:{os.getpid()}" if owner is None else owner
        as_owner(owner)
        if on_done is not None and not callable(on_done):
            raise InvalidArgument(f"on_done has to be callable, {on_done!r} is not")
        self._settings = WorkerSettings(
            journal=journal,
            tasks=_as_tasks(tasks),
            workers=workers,
            owner=owner,
            lease=_above_0("lease", lease),
            poll=_above_0("poll", poll),
            grace=as_seconds(grace, "grace"),
            on_done=on_done,
        )
        self._executor = executor
        self._drain_end: float | None = None  # by the monotonic clock
        self._scheduler: Scheduler | None = None

    @property
    def owner(self) -> str:
        """The name under which it claims."""
        return self._settings.owner

    @property
    def tasks(self) -> tuple[Task[..., Any], ...]:
        """The tasks whose runs it performs."""
        return self._settings.tasks

    @property
    def draining_until(self) -> float | None:
        """When the runs that are still executed are put back, by `time.monotonic`.

        None while no drain has begun.
        """
        return self._drain_end

    def run(self) -> int:
        """Work until `drain` is called; return how many runs have finished here.

        A journal that cannot be reached is tried again, after pauses that double up to 30 seconds.
        """
        return self._work(once=False)

    def until_idle(self) -> int:
        """Work until nothing more is due; return how many runs have finished here.

        Raises:
            JournalError: The journal cannot be reached; the runs that were claimed are put back.
        """
        return self._work(once=True)

    def drain(self, grace: float | None = None) -> None:
        """Claim no more runs; stop when those that are executed have ended, or after *grace*.

        The runs that are still executed then are put back: they are paused, and start again
        wherever they are claimed next. Safe in signal handlers and other threads. Call it again
        with a smaller *grace* to stop earlier.

        Args:
            grace: Seconds; that of the worker if left out.
        """
        seconds = self._settings.grace if grace is None else as_seconds(grace, "grace")
        end = time.monotonic() + seconds
        self._drain_end = end if self._drain_end is None else min(end, self._drain_end)
        if self._scheduler is not None:
            self._scheduler.wake()

    def _work(self, *, once: bool) -> int:
        settings = self._settings
        pool = as_pool(self._executor, settings.workers)
        with Heartbeat((), lease=settings.lease) as heartbeat:
            claimed = ClaimedRuns(settings, heartbeat, lambda: self._drain_end, once=once)
            try:
                claimed.rescue()
                self._scheduler = Scheduler(pool, settings.workers, None, _refuse_children)
                self._scheduler.perform(claimed)
            except WorkerStopped:
                pass
            finally:
                self._scheduler = self._drain_end = None
                claimed.put_back()
                pool.close()
        return claimed.finished


def _as_tasks(tasks: Iterable[Task[..., Any]]) -> tuple[Task[..., Any], ...]:
    given = [tasks] if isinstance(tasks, Task) else tasks
    if not isinstance(given, Iterable):
        raise InvalidArgument(f"a worker performs runs of tasks, not of {tasks!r}")
    found = {}
    for task in given:
        if not isinstance(task, Task):
            raise InvalidArgument(
                f"a worker performs runs of functions that @task decorates, not of {task!r}"
            )
        found[task.kind] = task
    if not found:
        raise InvalidArgument("a worker needs at least one task")
    return tuple(found.values())


def _above_0(name: str, value: float) -> float:
    seconds = as_seconds(value, name)
    if not seconds:
        raise InvalidArgument(f"{name} is a number of seconds above 0, not {value!r}")
    return seconds


def _refuse_children(parent: Job, _command: PerformChildren) -> Group:
    raise InvalidArgument(f"run {parent.run.id!r} is mapped; a Runner performs mapped runs")
