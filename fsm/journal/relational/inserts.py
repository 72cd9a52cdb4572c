"""Inserts: the rows that a step adds, and what it means that a database rejects them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fsm.errors import JournalError, StaleRun
from fsm.ids import parent_of
from fsm.journal.arguments import LifecycleLike, as_lifecycle, as_step, check_names, kind_of
from fsm.journal.deadlines import retries_of, timeout_of
from fsm.journal.mapped import ChildRows
from fsm.journal.phase import phase_of
from fsm.journal.records import Record
from fsm.journal.redaction import Redaction
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

__all__ = ["Insert", "RunRow", "edge_rows", "rejection"]


class Insert:
    """A step that is to be inserted, and the outcome."""

    __slots__ = ("done", "error", "lifecycle", "outbox", "record", "step", "tried", "withdrawn")

    def __init__(
        self,
        step: Step,
        lifecycle: LifecycleLike | None,
        epoch: int | None = None,
        redaction: Redaction | None = None,
        outbox: Sequence[str] = (),
        rows: ChildRows | None = None,
    ) -> None:
        """Write *step* out.

        Raises:
            InvalidArgument: It is no step, has a name that is too long, or *lifecycle* is no
                lifecycle.
            NotSerializable: The payload cannot be written; names the field.
        """
        self.step: Step = as_step(step)
        record = Record.of(step, epoch, redaction, rows)
        self.record: Record = record
        check_names(record.source, record.event, record.dest)
        self.lifecycle: Lifecycle | None = as_lifecycle(lifecycle)
        self.outbox: Sequence[str] = outbox
        self.done: bool = False
        self.tried: bool = False  # it was inserted once, and perhaps committed
        self.withdrawn: bool = False  # its caller was interrupted
        self.error: BaseException | None = None

    def run_row(self) -> dict[str, Any]:
        """The row of a run before its first step, which this one is."""
        step, timeout = self.step, timeout_of(self.step)
        parent, child = parent_of(step.run) or (None, None)
        return {
            "id": step.run,
            "kind": kind_of(self.lifecycle),
            "state": self.record.source,
            "phase": phase_of(step.source),
            "version": 0,
            "timeout": None if timeout is None else round(timeout * 1e6),
            "retries": retries_of(step),
            "parent": parent,
            "child": child,
            "began": step.micros,
            "moved": step.micros,
        }

    def outbox_rows(self) -> list[dict[str, Any]]:
        """The listeners that must receive the step."""
        return [
            {"run": self.record.run, "seq": self.record.seq, "listener": name}
            for name in self.outbox
        ]

    def __repr__(self) -> str:
        return f"{self.step!r} of run {self.step.run!r}"


class RunRow(NamedTuple):
    """What a rejection says of the run: the columns of `statements.RUN`."""

    owner: str | None
    epoch: int
    kind: str


def edge_rows(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    """The edges of a lifecycle, as the database holds steps against them.

    All processes write them in the same order: two that do so at once cannot deadlock.
    """
    return [
        {"kind": lifecycle.kind, "source": source, "event": event, "dest": dest}
        for source, event, dest in sorted(lifecycle.edge_names())
    ]


def rejection(
    insert: Insert, message: str, there: Record | None, run: RunRow | None
) -> StaleRun | JournalError:
    """Return the error that the database's rejection of a step means.

    Args:
        message: What the database said; the rules of the schemas begin theirs with `fsm:`.
        there: The step that is recorded in this place, if there is one.
        run: The row of the run, if there is one.
    """
    step, record = insert.step, insert.record
    if "fsm: no such edge" in message:
        kind = kind_of(insert.lifecycle) if run is None else run.kind
        return JournalError(
            f"cannot keep step {step.seq} of run {step.run!r}: the edge {record.event} from "
            f"{record.source} to {record.dest} is not one of the lifecycle {kind} in this journal; "
            f"declare it in that class, and pass the class to append()"
        )
    if there is not None:
        return StaleRun(step.run, step.seq, _describe(there))
    if "fsm: fenced" in message and run is not None:
        by = f"claimed by {run.owner!r}" if run.owner else "released"
        return StaleRun(step.run, step.seq, f"{by} (claim {run.epoch}, not {record.epoch})")
    if "fsm: stale" in message or "fsm: unknown run" in message:
        return StaleRun(step.run, step.seq, "ahead of what is recorded")
    if "steps.key" in message or "steps_key" in message:
        return StaleRun(step.run, step.seq, f"made before, for the request {step.key!r}")
    return JournalError(f"the database refused {insert!r}: {message}")


def _describe(record: Record) -> str:
    under = "" if record.epoch is None else f" (claim {record.epoch})"
    return f"{record.event}: {record.source} → {record.dest}{under}"
