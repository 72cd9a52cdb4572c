"""Children: the runs of a mapped run, made when there is room for them.

A mapped run in a journal has its children there. Beyond a thousand only what has become of each is
remembered, not what it carries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from fsm.errors import LifecycleError
from fsm.journal import Claim, Journal, Summary
from fsm.journal.mapped import Bare
from fsm.journal.phase import FINISHED
from fsm.states import State
from fsm.tasks.task_run import TaskRun

from .batch import Group
from .call import Call
from .commands import Answer, Returned
from .commands import Children as Wish
from .job import Trip

__all__ = ["Children"]

logger = logging.getLogger(__name__)

HELD = 1_000  # children whose states the parent carries, where a journal has them as well


class Children:
    """The children of one mapped trip, on their way.

    Args:
        made: Makes the trip of a child's call.
    """

    def __init__(self, parent: Trip, wish: Wish, made: Callable[[Call], Trip]) -> None:
        self._parent, self._run, self._made, self._again = parent, parent.run, made, wish.again
        journal = self._run.journal
        self._journal = journal.journal if isinstance(journal, Claim) else journal
        self._ends: list[State | None] = [None] * parent.counted()
        self._shared = Bare()
        self._bare = isinstance(self._journal, Journal) and len(self._ends) > HELD

    def group(self) -> Group:
        """Them, as trips to be performed."""
        over = self._parent.call.over
        at_once = None if over is None else over.at_once
        group = Group(self._trips(), ended=self._ended, answer=self._answer)
        if at_once is not None:
            group.at_once = at_once
        return group

    def _trips(self) -> Iterator[Trip]:
        known = self._known()
        for place, given in enumerate(self._parent.inputs):
            if self._bare and known.get(place) is not None:
                self._ends[place] = known[place]
                continue
            run = self._child(place, known=place in known)
            if self._again and run.state.is_failed():
                _rerun(run)
            yield self._made(Call(run, self._parent.call.task, (given,)))

    def _known(self) -> Mapping[int, State | None]:
        """Those that the journal has, and what they came to if they need no more work."""
        if not isinstance(self._journal, Journal):
            return {}
        rows = self._journal.children(self._run.id)
        return {row.child: self._end_of(row) for row in rows if row.child is not None}

    def _end_of(self, row: Summary) -> State | None:
        node = self._run.lifecycle.node(row.state)
        if node is None or row.phase != FINISHED:  # a failed one may have attempts left
            return None
        return self._shared.of(node)

    def _ended(self, trip: Trip) -> None:
        end = trip.run.state
        place = int(trip.run.id.rpartition("[")[2].removesuffix("]"))
        if not self._bare:
            self._ends[place] = end
        elif end.is_finished():
            self._ends[place] = self._shared(end)
        if trip.trouble is not None and self._parent.below is None:
            self._parent.below = trip.trouble

    def _answer(self) -> Answer:
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
