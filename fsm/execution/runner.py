"""Runner: real work under the lifecycle, on threads, processes or any `concurrent.futures` pool."""

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
from fsm.run.run import Clock
from fsm.states import Cached, State, ambient
from fsm.tasks.quorum import Quorum
from fsm.tasks.task_run import TaskRun
from fsm.telemetry import observers

from .batch import Batch, Group
from .call import Call, Over, ResultOf, check_calls
from .commands import Children as ChildrenWish
from .decider import Lookup
from .job import Trip
from .mapping import Children
from .pickling import packed
from .result_cache import Caches
from .scheduler import Scheduler

__all__ = ["Call", "Runner", "perform"]


def perform(run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
    """Call *task* under the lifecycle of *run*: start, succeed or fail, retry, time out.

    Returns:
        The state the run ends in: finished, or `Paused`.

    Raises:
        JournalError: A step could not be kept; the run is where its journal says.
        StaleRun: Somebody else runs it, or has claimed it.
    """
    call = Call(run, task, args, kwargs)
    with Runner(clock=call.run.clock, workers=1) as runner:
        return runner.perform_all([call])[0]


class Runner:
    """Performs calls side by side. One thread decides; only callables travel to the executor.

    Inside a task, `current_run()` says which attempt it is and whether somebody wants it to end.
    A task may return a state as its outcome, or raise it as an `Outcome`: `Skipped("nothing to
    do")`, `Looped(result=page)`, `Paused(start_time=...)`.

    A time-out on a thread can only be recorded: the thread goes on, what it returns is not. On a
    process it is enforced: the task is stopped, by force if it has to be.

    Args:
        executor: Where tasks run: "thread" (the default), "process", or an executor: a
            `ProcessPoolExecutor`, `client.get_executor()` of a Dask client, or any other that
            stays in this process. Tasks travel to other processes by cloudpickle, and their runs
            are claimed and reported there if their journal can be opened there.
        workers: How many tasks at a time. A time-out starts with the task, not in a queue.
        lookup: Asked before each start for an earlier result, as a `Cached`. Otherwise a run whose
            policy has a cache key finds what this runner, or the run's journal, keeps under it.
        clock: Whose time to wait by; the system's if left out.
    """

    def __init__(
        self,
        executor: Executor | str | None = None,
        *,
        workers: int | None = None,
        lookup: Lookup | None = None,
        clock: Clock | None = None,
    ) -> None:
        workers = min(32, (os.cpu_count() or 1) + 4) if workers is None else workers
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InvalidArgument(f"workers is a whole number from 1, not {workers!r}")
        for name, given in (("lookup", lookup), ("clock", clock)):
            if given is not None and not callable(given):
                raise InvalidArgument(f"a {name} is called, {given!r} cannot be")
        self._pool = as_pool(executor, workers)
        self._workers = min(workers, self._pool.room or workers)
        self._lookup = lookup
        self._clock = clock
        self._caches = Caches()
        self._shelves: dict[Journal, Caches] = {}
        self._observers = observers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the workers go; a thread whose task has timed out goes on until it is done."""
        self._pool.close()

    def perform(self, run: TaskRun, task: Callable[..., Any], *args: Any, **kwargs: Any) -> State:
        """Call *task* under the lifecycle of *run*, as `fsm.perform` does."""
        return self.perform_all([Call(run, task, args, kwargs)])[0]

    def perform_all(self, calls: Iterable[Call]) -> list[State]:
        """Perform *calls* side by side; return the states they end in, in their order.

        A call comes after the runs it names. One that somebody else has moved meanwhile, such as
        by cancelling it, goes on from there.

        Raises:
            InvalidArgument: Something among them is no call, two are of one run, they wait for
                each other or for a run that nobody performs, or one cannot travel; nothing was
                started.
            KeyboardInterrupt: Passed on, with every run that was under way cancelled.
            Exception: What stopped the first of those that stopped, a `JournalError` or a veto;
                the others went on to their ends.
        """
        batch = Batch([self._trip(call) for call in check_calls(calls)])
        Scheduler(self._pool, self._workers, self._clock, self._children).perform(batch.group)
        return batch.ends()

    def map(
        self,
        run: TaskRun,
        task: Callable[[Any], Any],
        inputs: Iterable[Any],
        *,
        quorum: Quorum | None = None,
        at_once: int | None = None,
        again: bool = False,
    ) -> State:
        """Map *task* over *inputs*, one child run each; return the state of *run*.

        Children are called `ID[0]`, `ID[1]` and so on, and share journal, clock and policy of
        *run*. A child that its journal knows goes on from where it was; one that is finished is
        not run again. `Mapped`, with the children's states, is what *run* comes to, or `Failed`
        if the *quorum* is not met; a retry of that, by its policy, runs what has failed again.

        Beyond 1,000 children of a run in a journal, the states that *run* has carry nothing:
        what they came to is in the journal.

        Args:
            quorum: How many children have to succeed, such as `Quorum.percent(95)`; if left out,
                *run* does not ask.
            at_once: How many children at a time; as many as there are workers if left out.
            again: Whether children that have failed are run once more, whatever their policy has
                left.
        """
        over = Over(inputs, quorum, at_once, again)
        return self.perform_all([Call(run, task, over=over)])[0]

    def _trip(self, call: Call) -> Trip:
        return self._made(call, self._packed(call))

    def _packed(self, call: Call) -> bytes | None:
        """The work of *call*, if it travels and is known: what cannot travel is refused now."""
        if not self._pool.remote:
            return None
        if any(isinstance(each, ResultOf) for each in (*call.args, *call.kwargs.values())):
            packed(f"the task of {call.run.id!r}", call.task)
            return None
        if call.over is not None:
            known = () if isinstance(call.over.inputs, ResultOf) else call.over.inputs
            packed(f"the task of {call.run.id!r}", (call.task, known))
            return None
        return packed(f"the work of {call.run.id!r}", (call.task, *call.work()))

    def _children(self, parent: Trip, wish: ChildrenWish) -> Group:
        return Children(parent, wish, self._made).group()

    def _made(self, call: Call, task: bytes | None = None) -> Trip:
        cache, keeps = call.run.policy.cache, call.run.journal is None
        if cache.key is None or cache.cache_for is None:
            return Trip(call, self._lookup, self._observers, task)
        told = (*self._observers, self._keep) if keeps else self._observers
        return Trip(call, self._lookup or partial(self._found, call, cache.key), told, task)

    # Results that were kept.

    def _found(self, call: Call, key: str, _run: TaskRun) -> Cached | None:
        journal, caches = call.run.journal, self._caches
        if isinstance(journal, Journal | Claim):
            shelf = journal.journal if isinstance(journal, Claim) else journal
            caches = self._shelves.get(shelf) or self._shelves.setdefault(shelf, Caches.of(shelf))
        parameters = ambient.context().get("parameters")
        clock = call.run.clock
        with ambient.clock(clock) if clock is not None else nullcontext():
            return caches.find(key, call.run.policy.cache, call.inputs(), parameters)

    def _keep(self, run: TaskRun, step: Step) -> None:
        """Keep what a run without a journal came to."""
        if run.policy.cache.key is not None and isinstance(step.dest, Cached):
            self._caches.add(run.policy.cache.key, step.dest)
