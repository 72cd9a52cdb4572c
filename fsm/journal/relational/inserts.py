"""Writing: a step on its way into the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fsm.errors import JournalError, StaleRun
from fsm.ids import parent_of
from fsm.journal.arguments import LifecycleLike, as_lifecycle, as_step, kind_of
from fsm.journal.late import Late
from fsm.journal.mapped import Children
from fsm.journal.phase import phase_of
from fsm.journal.records import Record
from fsm.journal.redaction import Redaction
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

if TYPE_CHECKING:
    from fsm.journal.claims import Claim

__all__ = ["Writing", "edge_rows", "late_row", "policy_of", "refusal", "winner"]


class Writing:
    """A step on its way into the database, and what became of it."""

    __slots__ = ("done", "error", "lifecycle", "outbox", "record", "step", "tried", "withdrawn")

    def __init__(
        self,
        step: Step,
        lifecycle: LifecycleLike | None,
        epoch: int | None = None,
        redaction: Redaction | None = None,
        outbox: Sequence[str] = (),
        rows: Children | None = None,
    ) -> None:
        """Write *step* out.

        Raises:
            InvalidArgument: It is no step, or *lifecycle* no lifecycle.
            NotSerializable: The payload cannot be written; names the field.
        """
        self.step = as_step(step)
        self.record = Record.of(step, epoch, redaction, rows)
        self.lifecycle = as_lifecycle(lifecycle)
        self.outbox = outbox
        self.done = False
        self.tried = False  # it was inserted once, and perhaps even committed
        self.withdrawn = False  # its caller was interrupted
        self.error: BaseException | None = None

    def run_row(self) -> dict[str, Any]:
        """The run that a first step begins, as it was before."""
        step, record = self.step, self.record
        policy = policy_of(step)
        timeout, retries = policy.get("timeout"), policy.get("max_retries")
        parent, child = parent_of(step.run) or (None, None)
        return {
            "id": step.run,
            "kind": kind_of(self.lifecycle),
            "state": record.source,
            "phase": phase_of(step.source),
            "version": 0,
            "timeout": round(timeout * 1e6) if isinstance(timeout, int | float) else None,
            "retries": retries if type(retries) is int else 0,
            "parent": parent,
            "child": child,
            "began": step.micros,
            "moved": step.micros,
        }

    def outbox_rows(self) -> list[dict[str, Any]]:
        """Who is to be told of the step, even after a crash."""
        return [
            {"run": self.record.run, "seq": self.record.seq, "listener": name}
            for name in self.outbox
        ]

    def __repr__(self) -> str:
        return f"{self.step!r} of run {self.step.run!r}"


def edge_rows(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    """The edges of a lifecycle, as the database holds steps against them.

    In one order in all processes: those that write them at once wait for each other, in no circle.
    """
    return [
        {"kind": lifecycle.kind, "source": source, "event": event, "dest": dest}
        for source, event, dest in sorted(lifecycle.edge_names())
    ]


def late_row(step: Step, claim: Claim, reason: str, redaction: Redaction | None) -> Late:
    """A step that came too late, written out."""
    record = Record.of(step, claim.epoch, redaction)
    return Late(
        run=record.run,
        seq=record.seq,
        event=record.event,
        source=record.source,
        dest=record.dest,
        micros=record.micros,
        payload=record.payload,
        epoch=claim.epoch,
        owner=claim.owner,
        reason=reason,
    )


def refusal(
    writing: Writing, said: str, there: Record | None, claimed: tuple[str | None, int] | None
) -> StaleRun | JournalError:
    """What it means that the database refused: by what it said, and by what stands there.

    Args:
        there: The step in this place, if there is one.
        claimed: Owner and epoch of the run, if there is one.
    """
    step = writing.step
    if "fsm: no such edge" in said:
        return JournalError(f"no journal keeps {writing!r}: its lifecycle has no such edge")
    if there is not None:
        return StaleRun(step.run, step.seq, winner(there))
    if "fsm: fenced" in said and claimed is not None:
        owner, epoch = claimed
        by = f"claimed by {owner!r}" if owner else "released"
        return StaleRun(step.run, step.seq, f"{by} (claim {epoch}, not {writing.record.epoch})")
    if "fsm: stale" in said or "fsm: unknown run" in said:
        return StaleRun(step.run, step.seq, "ahead of what is recorded")
    if "steps.key" in said or "steps_key" in said:
        return StaleRun(step.run, step.seq, f"made before, for the request {step.key!r}")
    return JournalError(f"the database refused {writing!r}: {said}")


def winner(record: Record) -> str:
    """What stands in the place a late writer wanted."""
    under = "" if record.epoch is None else f" (claim {record.epoch})"
    return f"{record.event}: {record.source} → {record.dest}{under}"


def policy_of(step: Step) -> Mapping[str, Any]:
    """What a first step says of its run's policy."""
    policy = (step.settings or {}).get("policy")
    return policy if isinstance(policy, Mapping) else {}
