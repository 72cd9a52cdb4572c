"""Verify: whether what a journal holds can be, asked of every run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs

from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal.base import Journal
from fsm.journal.records import Record
from fsm.journal.summary import Summary

__all__ = ["Problem", "verify"]

Edges = set[tuple[str, str, str]]


@attrs.frozen
class Problem:
    """Something in a journal that cannot be."""

    run: str | None  # None: the journal itself
    seq: int | None  # None: the run's own row
    what: str

    def __str__(self) -> str:
        if self.run is None:
            return self.what
        where = "" if self.seq is None else f", step {self.seq}"
        return f"run {self.run!r}{where}: {self.what}"


def verify(journal: Journal) -> Iterator[Problem]:
    """Look for gaps and forks, illegal edges, spoilt payloads, and rows at odds with their steps.

    What is found is reported, never mended.

    Raises:
        JournalError: The journal cannot be read at all.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    for fault in journal.faults():
        yield Problem(None, None, fault)
    tables: dict[str, Edges] = {}
    for summary in journal.runs():
        if summary.kind not in tables:
            tables[summary.kind] = journal.edges(summary.kind)
        yield from _run(journal, summary, tables[summary.kind])


def _run(journal: Journal, summary: Summary, edges: Edges) -> Iterator[Problem]:
    last: Record | None = None
    try:
        records = journal.records(summary.run)
    except UnknownRun:
        yield Problem(summary.run, None, f"its row counts {summary.steps} steps; there are none")
        return
    epoch = 0
    for seq, record in enumerate(records, 1):
        for what in _step(record, last, seq, summary.kind, edges):
            yield Problem(summary.run, record.seq, what)
        if record.epoch is not None:
            if record.epoch < epoch:
                yield Problem(summary.run, record.seq, f"claim {record.epoch} after {epoch}")
            epoch = max(epoch, record.epoch)
        last = record
    assert last is not None, "records are never empty"
    for what in _row(summary, last, epoch):
        yield Problem(summary.run, None, what)


def _step(record: Record, last: Record | None, seq: int, kind: str, edges: Edges) -> Iterator[str]:
    if record.seq != seq:
        yield f"stands where step {seq} should be"
    if last is not None and record.source != last.dest:
        yield f"leads out of {record.source}, but the run was {last.dest}"
    if kind and (record.source, record.event, record.dest) not in edges:
        yield f"{record.event}: {record.source} → {record.dest} is no edge of {kind}"
    said = _type(record.payload)
    if said != record.dest:
        yield f"leads to {record.dest}, but its payload is {said or 'spoilt'}"
    if record.seq == 1 and _type(record.origin, "source") != record.source:
        yield f"leads out of {record.source}, but its origin is another or spoilt"


def _row(summary: Summary, last: Record, epoch: int) -> Iterator[str]:
    if summary.steps != last.seq:
        yield f"its row counts {summary.steps} steps; the last is step {last.seq}"
    elif summary.state != last.dest:
        yield f"its row says {summary.state}; its last step led to {last.dest}"
    elif (summary.moved, summary.phase, summary.due) != (last.micros, last.phase, last.due):
        yield "its row says another time or phase than its last step"
    if summary.epoch < epoch:
        yield f"its row says claim {summary.epoch}; a step was made under claim {epoch}"


def _type(text: str | None, *path: str) -> str | None:
    """The class that written JSON names; None if it cannot be read."""
    try:
        found = json.loads(text or "null")
        for name in path:
            found = found[name]
        return str(found["type"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
