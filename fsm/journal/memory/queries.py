"""MemoryDirectory: which runs are kept in memory, and how they stand, read off their steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from fsm.ids import parent_of
from fsm.journal.arguments import LAST, kind_of
from fsm.journal.lease import Leases
from fsm.journal.phase import RUNNING, due_of, phase_of
from fsm.journal.queries import Directory
from fsm.journal.relational.inserts import policy_of
from fsm.journal.summary import Summary
from fsm.journal.traffic import Passage, Traffic
from fsm.journal.wanted import Wanted
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

__all__ = ["NOTHING", "MemoryDirectory"]

NOTHING: dict[int, Step] = {}  # never written to


class MemoryDirectory(Directory):
    """Which runs are kept in memory, and how they stand."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, Step]] = {}  # the steps of each, by their place
        self._lifecycles: dict[str, Lifecycle] = {}
        self._claims = Leases()

    def _summaries(self, wanted: Wanted) -> Iterator[Summary]:
        if wanted.run is not None:
            return self._admitted([wanted.run], wanted)
        if wanted.parent is not None:  # there may be very many: they are sorted by their names
            return self._admitted(self._children_of(wanted.parent), wanted)
        return iter(sorted(self._admitted(list(self._runs), wanted), key=wanted.order))

    def _admitted(self, ids: Iterable[str], wanted: Wanted) -> Iterator[Summary]:
        for kept in filter(None, map(self._runs.get, ids)):
            steps = [kept[seq] for seq in sorted(kept)]
            summary = self._summary(steps)
            if wanted.admits(summary, _retries_left(steps)):
                yield summary

    def _traffic(self, kind: str | None) -> Traffic:
        ids = (
            id
            for id in list(self._runs)
            if kind is None or kind_of(self._lifecycles.get(id)) == kind
        )
        return Traffic.of(each for id in ids for each in self._passages(id))

    def _kind(self, id: str) -> str:
        return kind_of(self._lifecycles.get(id))

    def _passages(self, id: str) -> Iterator[Passage]:
        kept = self._runs.get(id, NOTHING)
        steps = [kept[seq] for seq in sorted(kept)]
        for step, after in zip_longest(steps, steps[1:]):
            source, dest = type(step.source).__name__, type(step.dest).__name__
            yield Passage(id, source, step.event, dest, step.micros, after and after.micros)

    def _children_of(self, run: str) -> list[str]:
        found = ((parent_of(id), id) for id in list(self._runs) if id.startswith(f"{run}["))
        places = [(place[1], id) for place, id in found if place is not None and place[0] == run]
        return [id for _, id in sorted(places)]

    def _summary(self, steps: list[Step]) -> Summary:
        first, last = steps[0], steps[-1]
        lease = self._claims.of(last.run)
        parent, child = parent_of(last.run) or (None, None)
        return Summary(
            run=last.run,
            state=type(last.dest).__name__,
            message=_said(last.dest.message),
            steps=len(steps),
            began=first.micros,
            moved=last.micros,
            kind=self._kind(last.run),
            phase=phase_of(last.dest),
            due=due_of(last.dest, last.micros),
            deadline=_deadline(steps),
            epoch=lease.epoch,
            owner=lease.owner,
            lease=lease.until,
            parent=parent,
            child=child,
        )


def _deadline(steps: list[Step]) -> int | None:
    """When the time of a running run is up: its timeout after it began to run."""
    timeout = policy_of(steps[0]).get("timeout")
    if phase_of(steps[-1].dest) != RUNNING or not isinstance(timeout, int | float):
        return None
    entered = (step for step in reversed(steps) if phase_of(step.source) != RUNNING)
    begun = next(entered, None)
    return None if begun is None else min(begun.micros + round(timeout * 1e6), LAST)


def _retries_left(steps: list[Step]) -> bool:
    """Whether the run may have retries left: yes wherever fsm/tasks/attempts.py counts one left."""
    retries = policy_of(steps[0]).get("max_retries")
    return type(retries) is int and retries > sum(step.event == "retry" for step in steps)


def _said(message: Any) -> str | None:
    try:
        return None if message is None else str(message)
    except Exception as error:  # a message is anyone's object
        return f"<{type(error).__name__} while asking what it says>"
