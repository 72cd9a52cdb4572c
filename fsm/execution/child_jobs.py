"""The jobs of the children of a mapped run, created when there is room for them.

A mapped run in a journal has its children there. Of more than a thousand children only their
state classes are kept in memory, not what the states carry.
"""

from __future__ import annotations

import logging
from collections import abc
from collections.abc import Callable, Iterator

from fsm.errors import LifecycleError
from fsm.journal import Claim, Journal, Summary
from fsm.journal.mapped import EmptyPayloads
from fsm.journal.phase import FINISHED
from fsm.states import State
from fsm.tasks.task_run import TaskRun

from .batch import Group
from .call import Call
from .commands import PerformChildren, Reply, Returned
from .job import Job

__all__ = ["ChildJobs"]

logger: logging.Logger = logging.getLogger(__name__)

MOST_WITH_PAYLOAD = 1_000  # children whose whole states the parent keeps beside a journal


class ChildJobs:
    """The jobs of the children of one mapped job.

    Args:
        create_job: Returns the job of a child's call.
    """

    def __init__(
        self, parent: Job, command: PerformChildren, create_job: Callable[[Call], Job]
    ) -> None:
        self._parent, self._run, self._again = parent, parent.run, command.again
        assert parent.call.over is not None, "only a mapped call has children"
        self._mapping, self._create_job = parent.call.over, create_job
        journal = self._run.journal
        self._journal = journal.journal if isinstance(journal, Claim) else journal
        self._ends: list[State | None] = [None] * parent.count_inputs()
        self._shared = EmptyPayloads()
        self._bare = isinstance(self._journal, Journal) and len(self._ends) > MOST_WITH_PAYLOAD

    def group(self) -> Group:
        """Return the jobs as a group for the scheduler."""
        group = Group(self._jobs(), on_end=self._on_end, reply=self._reply)
        if self._mapping.max_concurrency is not None:
            group.max_concurrency = self._mapping.max_concurrency
        return group

    def _jobs(self) -> Iterator[Job]:
        known = self._find_known()
        for place, value in enumerate(self._parent.inputs):
            if self._bare and known.get(place) is not None:
                self._ends[place] = known[place]
                continue
            run = self._child(place, known=place in known)
            if self._again and run.state.is_failed():
                _rerun(run)
            yield self._create_job(
                Call(run, self._parent.call.task, (value,), self._mapping.arguments)
            )

    def _find_known(self) -> abc.Mapping[int, State | None]:
        """Return the children that the journal has, with the states of those that are done."""
        if not isinstance(self._journal, Journal):
            return {}
        rows = self._journal.children(self._run.id)
        return {row.child: self._end_of(row) for row in rows if row.child is not None}

    def _end_of(self, row: Summary) -> State | None:
        node = self._run.lifecycle.node(row.state)
        if node is None or row.phase != FINISHED:  # a failed child may have retries left
            return None
        return self._shared.of(node)

    def _on_end(self, job: Job) -> None:
        end = job.run.state
        place = int(job.run.id.rpartition("[")[2].removesuffix("]"))
        if not self._bare:
            self._ends[place] = end
        elif end.is_finished():
            self._ends[place] = self._shared(end)
        if job.error is not None and self._parent.child_error is None:
            self._parent.child_error = job.error

    def _reply(self) -> Reply:
        return Returned(self._ends)

    def _child(self, place: int, *, known: bool) -> TaskRun:
        run, id = self._run, f"{self._run.id}[{place}]"
        if known and self._journal is not None:
            return type(run).restore(id, self._journal, clock=run.clock)
        return type(run)(id, journal=self._journal, clock=run.clock, **run.settings())


def _rerun(run: TaskRun) -> None:
    try:
        if "rerun" in run.allowed and not (run.retry.may()):
            run.trigger("rerun")
    except LifecycleError as error:
        logger.error("run %s: cannot be run again: %s", run.id, error)
