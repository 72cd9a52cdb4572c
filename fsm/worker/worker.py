"""Worker: claims the runs that are due in a journal, and performs them. Several go side by side.

The law of this file: a claim is given back when its run needs no work for a while; where its run
may be in the middle of something, the claim is left to lapse instead, so that a rescue finds it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from fsm.errors import InvalidArgument
from fsm.execution.pools import as_pool
from fsm.execution.scheduler import Scheduler
from fsm.flow.task import Task
from fsm.journal import Journal
from fsm.journal.arguments import as_owner, as_seconds
from fsm.journal.heartbeat import Renewal
from fsm.tasks.task_run import TaskRun

from .claims import Shift
from .job import Stopped

if TYPE_CHECKING:
    from fsm.execution.batch import Group
    from fsm.execution.commands import Children
    from fsm.execution.job import Trip

__all__ = ["Worker"]


class Worker:
    """Performs the runs of some tasks that are due in a journal, as `Task.submit` left them.

        worker = Worker(journal, [load, report])
        signal.signal(signal.SIGTERM, lambda *_: worker.drain())
        worker.run()

    A run is claimed when there is room for it, and the claim renewed until the run has ended or
    has to wait for longer than a lease. Workers that die are missed when their leases lapse: the
    others rescue what they had. A task may be executed more than once; what came of it is recorded
    once.

    A run that was claimed by another worker meanwhile is given up: `current_run()` tells its task,
    if that is on a thread of ours, and what it returns is kept aside as a late result.

    Args:
        tasks: Functions that `@task` decorates. Runs of others are not touched.
        workers: How many runs are executed at a time; as in a `Runner` if left out.
        lease: Seconds after which a worker that is silent counts as lost.
        owner: Under which name it claims; host and process if left out.
        poll: Seconds until it looks again in a journal where nothing was due.
        grace: Seconds that a drain leaves to what is executed.
        executor: Where tasks run, as for a `Runner`.
        told: Called with each run that needs no more work of this worker for now.
    """

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
        told: Callable[[TaskRun], object] | None = None,
    ) -> None:
        if not isinstance(journal, Journal):
            raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
        workers = min(32, (os.cpu_count() or 1) + 4) if workers is None else workers
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InvalidArgument(f"workers is a whole number from 1, not {workers!r}")
        self.journal, self.tasks, self.workers = journal, _as_tasks(tasks), workers
        self.owner = f"{socket.gethostname()[:64]}:{os.getpid()}" if owner is None else owner
        as_owner(self.owner)
        self.lease = _above_0("lease", lease)
        self.poll = _above_0("poll", poll)
        self.grace = as_seconds("grace", grace)
        if told is not None and not callable(told):
            raise InvalidArgument(f"who is told is called, {told!r} cannot be")
        self.told = told
        self._executor = executor
        self._until: float | None = None  # when a drain ends, by the steady clock
        self._scheduler: Scheduler | None = None

    def run(self) -> int:
        """Work until told to drain; return how many runs have finished here.

        A journal that cannot be reached for a while is asked again, after longer and longer.
        """
        return self._work(once=False)

    def until_idle(self) -> int:
        """Work until nothing more is due; return how many runs have finished here.

        Raises:
            JournalError: The journal could not be asked for more; what was claimed is given back.
        """
        return self._work(once=True)

    def drain(self, grace: float | None = None) -> None:
        """Claim no more, and stop when what is executed has ended, or after *grace* seconds.

        What is still executed then is put back: it is paused, and starts again wherever it is
        claimed next. To be called by a signal handler or another thread; again, with another
        *grace*, to stop earlier.
        """
        seconds = self.grace if grace is None else as_seconds("grace", grace)
        until = time.monotonic() + seconds
        self._until = until if self._until is None else min(until, self._until)
        if self._scheduler is not None:
            self._scheduler.wake()

    @property
    def draining_until(self) -> float | None:
        """When what is executed is put back, by the steady clock; None if it is not to stop."""
        return self._until

    def _work(self, *, once: bool) -> int:
        pool = as_pool(self._executor, self.workers)
        with Renewal((), lease=self.lease) as renewal:
            shift = Shift(self, renewal, once=once)
            try:
                shift.rescue()
                self._scheduler = Scheduler(pool, self.workers, None, _no_children)
                self._scheduler.perform(shift)
            except Stopped:
                pass
            finally:
                self._scheduler = self._until = None
                shift.put_back()
                pool.close()
        return shift.finished


def _as_tasks(tasks: Iterable[Task[..., Any]]) -> tuple[Task[..., Any], ...]:
    given = [tasks] if isinstance(tasks, Task) else tasks
    if not isinstance(given, Iterable):
        raise InvalidArgument(f"a worker works for tasks, not for {tasks!r}")
    found = {}
    for task in given:
        if not isinstance(task, Task):
            raise InvalidArgument(
                f"a worker works for functions that @task decorates, not {task!r}"
            )
        found[task.kind] = task
    if not found:
        raise InvalidArgument("a worker without tasks has nothing to do")
    return tuple(found.values())


def _above_0(name: str, value: float) -> float:
    seconds = as_seconds(name, value)
    if not seconds:
        raise InvalidArgument(f"{name} is a number of seconds above 0, not {value!r}")
    return seconds


def _no_children(parent: Trip, _wish: Children) -> Group:
    raise InvalidArgument(f"run {parent.run.id!r} is mapped: a Runner has its children")
