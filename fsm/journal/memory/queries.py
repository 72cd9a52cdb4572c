"""Queries of the journal in memory, answered from the steps themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from fsm.ids import parent_of
from fsm.journal.arguments import kind_of
from fsm.journal.claims import Leases
from fsm.journal.deadlines import deadline_of, retries_of, timeout_of
from fsm.journal.phase import due_of, phase_of
from fsm.journal.queries import JournalQueries, RunFilter
from fsm.journal.records import Summary
from fsm.journal.traffic import Passage, Traffic
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

__all__ = ["NO_STEPS", "MemoryQueries"]

NO_STEPS: dict[int, Step] = {}  # never written to


class MemoryQueries(JournalQueries):
    """The runs that are kept in memory, and what is asked of them."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, Step]] = {}  # the steps of each, by their seq
        self._lifecycles: dict[str, Lifecycle] = {}
        self._leases = Leases()

    def _summaries(self, wanted: RunFilter) -> Iterator[Summary]:
        if wanted.run is not None:
            return self._filter([wanted.run], wanted)
        if wanted.parent is not None:  # they are sorted by their ids: there may be very many
            return self._filter(self._children_of(wanted.parent), wanted)
        return iter(sorted(self._filter(list(self._runs), wanted), key=wanted.sort_key))

    def _filter(self, ids: Iterable[str], wanted: RunFilter) -> Iterator[Summary]:
        for by_seq in filter(None, map(self._runs.get, ids)):
            steps = [by_seq[seq] for seq in sorted(by_seq)]
            summary = self._summary(steps)
            if wanted.matches(summary, _has_retries_left(steps)):
                yield summary

    def _traffic(self, kind: str | None) -> Traffic:
        ids = (id for id in list(self._runs) if kind is None or self._kind(id) == kind)
        return Traffic.of(each for id in ids for each in self._passages(id))

    def _kind(self, id: str) -> str:
        return kind_of(self._lifecycles.get(id))

    def _passages(self, id: str) -> Iterator[Passage]:
        by_seq = self._runs.get(id, NO_STEPS)
        steps = [by_seq[seq] for seq in sorted(by_seq)]
        for step, after in zip_longest(steps, steps[1:]):
            source, dest = type(step.source).__name__, type(step.dest).__name__
            yield Passage(id, source, step.event, dest, step.micros, after and after.micros)

    def _children_of(self, run: str) -> list[str]:
        parents = ((parent_of(id), id) for id in list(self._runs) if id.startswith(f"{run}["))
        places = [(parent[1], id) for parent, id in parents if parent and parent[0] == run]
        return [id for _, id in sorted(places)]

    def _summary(self, steps: list[Step]) -> Summary:
        first, last = steps[0], steps[-1]
        lease = self._leases.of(last.run)
        parent, child = parent_of(last.run) or (None, None)
        return Summary(
            run=last.run,
            state=type(last.dest).__name__,
            message=_as_text(last.dest.message),
            steps=len(steps),
            began=first.micros,
            moved=last.micros,
            kind=self._kind(last.run),
            phase=phase_of(last.dest),
            due=due_of(last.dest, last.micros),
            deadline=deadline_of(steps, timeout_of(first)),
            epoch=lease.epoch,
            owner=lease.owner,
            lease=lease.until,
            parent=parent,
            child=child,
        )


def _has_retries_left(steps: list[Step]) -> bool:
    """Whether the run may have retries left: yes wherever fsm/tasks/attempts.py counts one left."""
    return retries_of(steps[0]) > sum(step.event == "retry" for step in steps)


def _as_text(message: Any) -> str | None:
    try:
        return None if message is None else str(message)
    except Exception as error:  # a message may be any object
        return f"<{type(error).__name__} while asking what it says>"
