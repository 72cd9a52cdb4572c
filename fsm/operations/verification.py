"""Verify a journal: find what cannot be, in the journal itself and in every run."""

import json
from collections.abc import Iterator

import attrs

from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal import Summary
from fsm.journal.base import Journal
from fsm.journal.records import Record

__all__ = ["Problem", "verify"]

Edges = set[tuple[str, str, str]]


@attrs.frozen
class Problem:
    """Something in a journal that cannot be. `str(problem)` names the run and the step, too."""

    __module__ = "fsm.operations"

    run: str | None  # its id; None: the problem is in the journal itself
    seq: int | None  # of the step; None: the problem is in the run's row
    message: str

    def __str__(self) -> str:
        if self.run is None:
            return self.message
        where = "" if self.seq is None else f", step {self.seq}"
        return f"run {self.run!r}{where}: {self.message}"


def verify(journal: Journal) -> Iterator[Problem]:
    """Find gaps, forks, illegal edges, damaged payloads, and rows that contradict their steps.

    The journal is only read, and nothing is repaired. Every step of every run is read once.

    Raises:
        InvalidArgument: *journal* is no journal.
        JournalError: The journal cannot be read at all.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    for fault in journal.faults():
        yield Problem(None, None, fault)
    edges: dict[str, Edges] = {}
    for summary in journal.runs():
        if summary.kind not in edges:
            edges[summary.kind] = journal.edges(summary.kind)
        yield from _check_run(journal, summary, edges[summary.kind])


def _check_run(journal: Journal, summary: Summary, edges: Edges) -> Iterator[Problem]:
    last: Record | None = None
    try:
        records = journal.records(summary.run)
    except UnknownRun:
        yield Problem(summary.run, None, f"its row counts {summary.steps} steps; there are none")
        return
    epoch = 0
    for seq, record in enumerate(records, 1):
        for message in _check_step(record, last, seq, summary.kind, edges):
            yield Problem(summary.run, record.seq, message)
        if record.epoch is not None:
            if record.epoch < epoch:
                message = f"made under claim {record.epoch}, after a step under claim {epoch}"
                yield Problem(summary.run, record.seq, message)
            epoch = max(epoch, record.epoch)
        last = record
    assert last is not None, "records are never empty"
    for message in _check_row(summary, last, epoch):
        yield Problem(summary.run, None, message)


def _check_step(
    record: Record, last: Record | None, seq: int, kind: str, edges: Edges
) -> Iterator[str]:
    if record.seq != seq:
        yield f"stands where step {seq} should be"
    if last is not None and record.source != last.dest:
        yield f"leads out of {record.source}, but the run was {last.dest}"
    if kind and (record.source, record.event, record.dest) not in edges:
        yield f"{record.event}: {record.source} → {record.dest} is no edge of {kind}"
    payload_type = _type_of(record.payload)
    if payload_type != record.dest:
        yield f"leads to {record.dest}, but its payload is {payload_type or 'damaged'}"
    if record.seq == 1 and _type_of(record.origin, "source") != record.source:
        yield f"leads out of {record.source}, but its origin is another state or damaged"


def _check_row(summary: Summary, last: Record, epoch: int) -> Iterator[str]:
    if summary.steps != last.seq:
        yield f"its row counts {summary.steps} steps; the last is step {last.seq}"
    elif summary.state != last.dest:
        yield f"its row says {summary.state}; its last step led to {last.dest}"
    elif (summary.moved, summary.phase, summary.due) != (last.micros, last.phase, last.due):
        yield "its row says another time or phase than its last step"
    if summary.epoch < epoch:
        yield f"its row says claim {summary.epoch}; a step was made under claim {epoch}"


def _type_of(text: str | None, *path: str) -> str | None:
    """The class that a state in JSON names; None where it cannot be read."""
    try:
        value = json.loads(text or "null")
        for name in path:
            value = value[name]
        return str(value["type"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


verify.__module__ = "fsm.operations"
