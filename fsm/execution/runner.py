"""Performs callables under the lifecycle of runs, on threads, processes or any executor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import partial
from typing import Any, Self

from fsm.errors import InvalidArgument
from fsm.execution.pools import as_pool
from fsm.journal import Claim, Journal
from fsm.lifecycle.step import Step
from fsm.states import Cached, State, ambient
from fsm.states.ambient import Clock
from fsm.tasks.quorum import Quorum
from fsm.tasks.task_run import TaskRun
from fsm.telemetry import observers

from .batch import Batch, Group
from .call import Call, check_calls
from .child_jobs import ChildJobs
from .commands import PerformChildren
from .decider import Lookup
from .job import Job
from .mapping import Mapping, ResultOf, as_mapping
from .pickling import serialize
from .result_cache import Caches
from .scheduler import Scheduler

__all__ = ["Runner", "as_workers", "perform"]


def perform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run*: start, succeed or fail, retry, time out.

    Blocks until the run has ended, and waits for the delays of its retries.

    Args:
        args, kwargs: The arguments of *task*.

    Returns:
        The last state of the run: finished, or `Paused`.

    Raises:
        InvalidArgument: *run* is no `TaskRun`, or *task* is not callable; nothing was started.
        JournalError: A step could not be kept; the run is in the state that its journal has.
        StaleRun: Another process runs it, or has claimed it.
    """
    call = Call(run, task, args, kwargs)
    with Runner(clock=call.run.clock, workers=1) as runner:
        return runner.perform_all([call])[0]


perform.__module__ = "fsm"


def as_workers(workers: int | None) -> int:
    """Return the number of workers; for None, min(32, CPUs + 4), as for a `ThreadPoolExecutor`.

    Raises:
        InvalidArgument: It is no whole number from 1.
    """
    if workers is None:
        return min(32, (os.cpu_count() or 1) + 4)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidArgument(f"workers is a whole number from 1, not {workers!r}")
    return workers


class Runner:
    """Performs calls side by side. One thread decides; only callables travel to the executor.

    In a task, `current_run()` says which attempt it is and whether it should end. A task may
    return a state as its outcome, or raise it as an `Outcome`: `Skipped("nothing to do")`,
    `Looped(result=page)`, `Paused(start_time=...)`.

    A time limit on a thread is only recorded: the thread goes on, and its result is dropped. On a
    process it is enforced: the task is interrupted, and killed five seconds later.

    Args:
        executor: Where tasks run: "thread" (the default), "process", or an executor: a
            `ProcessPoolExecutor`, `client.get_executor()` of a Dask client, or any other that
            stays in this process. Tasks travel to other processes by cloudpickle. Their runs are
            claimed and recorded there if their journal can be opened there.
        workers: How many tasks are executed at a time; min(32, CPUs + 4) if left out. The time
            limit of a task begins when it starts: tasks do not queue in the executor.
        lookup: Called before each start for an earlier result, as a `Cached`. If left out, a run
            whose policy has a cache key finds what this runner, or the run's journal, keeps
            under that key.
        clock: The clock to wait by; the system's if left out.

    Raises:
        InvalidArgument: An argument is wrong.
        MissingExtra: cloudpickle is not installed, and tasks would travel to other processes.
    """

    __module__ = "fsm"

    def __init__(
        self,
        executor: Executor | str | None = None,
        *,
        workers: int | None = None,
        lookup: Lookup | None = None,
        clock: Clock | None = None,
    ) -> None:
        workers = as_workers(workers)
        for name, given in (("lookup", lookup), ("clock", clock)):
            if given is not None and not callable(given):
                raise InvalidArgument(f"{name} has to be callable, {given!r} is not")
        self._pool = as_pool(executor, workers)
        self._workers = min(workers, self._pool.capacity or workers)
        self._lookup = lookup
        self._clock = clock
        self._caches = Caches()
        self._journal_caches: dict[Journal, Caches] = {}
        self._observers = observers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Shut the workers down, but not an executor that was given.

        A thread whose task has timed out goes on until that is done.
        """
        self._pool.close()

    def perform(self, run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
        """Call *task* under the lifecycle of *run*: start, succeed or fail, retry, time out.

        Blocks until the run has ended, and waits for the delays of its retries.

        Args:
            args, kwargs: The arguments of *task*.

        Returns:
            The last state of the run: finished, or `Paused`.

        Raises:
            InvalidArgument: *run* is no `TaskRun`, *task* is not callable, or it cannot travel to
                another process; nothing was started.
            JournalError: A step could not be kept; the run is in the state that its journal has.
            StaleRun: Another process runs it, or has claimed it.
        """
        return self.perform_all([Call(run, task, args, kwargs)])[0]

    def perform_all(self, calls: Iterable[Call]) -> list[State]:
        """Perform *calls* side by side; return the last states of their runs, in their order.

        A call begins after the runs it names. A run that others have moved meanwhile, such as by
        cancelling it, goes on from there.

        Raises:
            InvalidArgument: One is no call, two are of one run, they wait for each other or for a
                run that is not performed, or one cannot travel; nothing was started.
            KeyboardInterrupt: Raised on, after every active run was cancelled.
            Exception: The error of the first call that one has stopped, such as a `JournalError`
                or a veto; the other calls were performed to their ends.
        """
        batch = Batch([self._job(call) for call in check_calls(calls)])
        Scheduler(self._pool, self._workers, self._clock, self._children).perform(batch.group)
        return batch.ends()

    def map(
        self,
        run: TaskRun,
        task: Callable[..., Any],
        inputs: Iterable[Any] | Mapping,
        *,
        quorum: Quorum | None = None,
        max_concurrency: int | None = None,
        again: bool = False,
    ) -> State:
        """Map *task* over *inputs*, with a child run for each; return the last state of *run*.

        The children are called `ID[0]`, `ID[1]` and so on, and share journal, clock and policy of
        *run*. A child that the journal knows goes on from its state there; a finished one is not
        run again. The last state of *run* is `Mapped`, with the states of the children, or
        `Failed` if the *quorum* is not met. A retry of that, by its policy, runs the failed
        children again.

        Of more than 1,000 children of a run in a journal, *run* has only the state classes; the
        states with their results are in the journal.

        Args:
            inputs: An iterable, or a `Mapping`, such as `each(items, unit="kg")` with constant
                arguments. The arguments below override its settings.
            quorum: How many children have to succeed, such as `Quorum.percent(95)`; if left out,
                *run* is `Mapped` whatever becomes of them.
            max_concurrency: How many children at a time; as many as there are workers if left out.
            again: Whether children that have failed are run once more, even without retries left.

        Raises:
            InvalidArgument: An argument is wrong, or cannot travel; nothing was started.
            KeyboardInterrupt: Raised on, after every active run was cancelled.
            Exception: The error of the first run that one has stopped, such as a `JournalError`.
        """
        over = as_mapping(inputs, quorum, max_concurrency, again)
        return self.perform_all([Call(run, task, over=over)])[0]

    def _job(self, call: Call) -> Job:
        return self._create_job(call, self._serialize(call))

    def _serialize(self, call: Call) -> bytes | None:
        """Pickle the work of *call* if that travels and is known; check now whether it can."""
        if not self._pool.remote:
            return None
        if any(isinstance(each, ResultOf) for each in (*call.args, *call.kwargs.values())):
            serialize(call.task, f"the task of {call.run.id!r}")
            return None
        if call.over is not None:
            known = () if isinstance(call.over.inputs, ResultOf) else call.over.inputs
            serialize((call.task, known, dict(call.over.arguments)), f"the task of {call.run.id!r}")
            return None
        return serialize((call.task, *call.work()), f"the work of {call.run.id!r}")

    def _children(self, parent: Job, command: PerformChildren) -> Group:
        return ChildJobs(parent, command, self._create_job).group()

    def _create_job(self, call: Call, data: bytes | None = None) -> Job:
        cache, keeps = call.run.policy.cache, call.run.journal is None
        if cache.key is None or cache.cache_for is None:
            return Job(call, self._lookup, self._observers, data)
        watching = (*self._observers, self._keep_result) if keeps else self._observers
        lookup = self._lookup or partial(self._find_result, call, cache.key)
        return Job(call, lookup, watching, data)

    # Results that are kept.

    def _find_result(self, call: Call, key: str, _run: TaskRun) -> Cached | None:
        journal, caches = call.run.journal, self._caches
        if isinstance(journal, Journal | Claim):
            kept = journal.journal if isinstance(journal, Claim) else journal
            caches = self._journal_caches.get(kept) or self._journal_caches.setdefault(
                kept, Caches.of(kept)
            )
        parameters = ambient.context().get("parameters")
        clock = call.run.clock
        with ambient.clock(clock) if clock is not None else nullcontext():
            return caches.find(key, call.run.policy.cache, call.inputs(), parameters)

    def _keep_result(self, run: TaskRun, step: Step) -> None:
        """Keep the result of a run without a journal."""
        if run.policy.cache.key is not None and isinstance(step.dest, Cached):
            self._caches.add(run.policy.cache.key, step.dest)
