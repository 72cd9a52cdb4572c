"""Telling: the moves of a run as sentences, and between them what was refused or came too late.

The law of this file: what people and programs have written is shown as text, on one line and cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from fsm.durations import lasting
from fsm.journal.phase import FAILED, RUNNING, WAITING
from fsm.lifecycle.refusal import Refusal
from fsm.tasks.policy import Policy
from fsm.tasks.task_run import TaskRun
from fsm.text import as_label

from .entry import Move
from .phrases import DONE, clock, times

if TYPE_CHECKING:
    from fsm.journal.late import Late

__all__ = ["LONG", "Line", "Owners", "lines_of", "tries_of"]

Owners = Mapping[int | None, str | None]  # by claim: who had it, as far as the journal still knows

LONG = 5 * 366 * 86_400 * 1_000_000  # a pause that ends later than this ends by someone's word

# The messages that our own rows give where nobody says anything: the sentences say the same.
_USUAL = {row.message for event in TaskRun.lifecycle.events.values() for row in event.rows}
_COUNTED = ("Retrying Task (", "Rerun on demand (", "Task is looping (", "Looping task (")


@attrs.frozen
class Line:
    """One thing that happened."""

    micros: int
    seq: int | None  # of the step; None for what was refused, or came too late, and is none
    event: str
    text: str

    def __str__(self) -> str:
        return f"{clock(self.micros)}  {self.text}"


def lines_of(
    moves: Sequence[Move],
    policy: Policy | None,
    owners: Owners,
    late: Iterable[Late],
    refusals: Iterable[Refusal],
) -> Iterator[Line]:
    """The steps in their order, whatever their clocks said, and what was none between them.

    What was refused follows the step after which it was; what came too late stands by its time.
    """
    refused: dict[int, list[Line]] = {}
    for each in sorted(refusals, key=lambda each: each.micros):
        refused.setdefault(each.seq, []).append(_refused(each))
    waiting = deque(sorted(map(_too_late, late), key=lambda line: line.micros))
    highest = 0
    yield from refused.pop(0, ())
    for step in _steps(moves, policy, owners):
        highest = max(highest, step.micros)
        while waiting and waiting[0].micros < highest:
            yield waiting.popleft()
        yield step
        yield from refused.pop(step.seq or 0, ())
    yield from waiting


def _steps(moves: Sequence[Move], policy: Policy | None, owners: Owners) -> Iterator[Line]:
    before, last = None, 0
    for move, attempt in zip(moves, tries_of(moves), strict=True):
        said = _done(move, _of(attempt, policy), "started" if attempt > last else "went on")
        text = f"{said}{_after(before, move)}{_until(move)}{_why(before, move)}"
        text += _claim(before, move, owners)
        yield Line(move.micros, move.seq, as_label(move.event), text)
        before, last = move, attempt


def tries_of(moves: Iterable[Move]) -> list[int]:
    """Which attempt a run was in after each move, counted as `fsm.tasks.attempts` does."""
    before, begun, tries = 0, False, []
    for move in moves:
        if move.attempts is not None:
            before, begun = move.attempts, False
        elif move.phase in (RUNNING, FAILED):
            begun = True
        tries.append(before + begun)
    return tries


def _of(attempt: int, policy: Policy | None) -> str:
    most = 0 if policy is None else policy.retry.max_retries + 1
    return f"{attempt} of {most}" if attempt <= most else str(attempt)


def _done(move: Move, attempt: str, began: str) -> str:
    said = DONE.get((move.event, move.dest))
    if said is None:
        return f"{as_label(move.event)} led from {as_label(move.source)} to {as_label(move.dest)}"
    return said.format(attempt=attempt, began=began)


def _after(before: Move | None, move: Move) -> str:
    spent = 0 if before is None else move.micros - before.micros
    if spent <= -1000:  # of another machine, or set back; less cannot be seen
        return f", by a clock that was {lasting(-spent)} behind"
    return f", after {lasting(spent)} in {as_label(move.source)}" if spent > 0 else ""


def _until(move: Move) -> str:
    wait = 0 if move.due is None else move.due - move.micros
    if move.due is None or not 0 < wait < LONG:
        return ""
    if move.phase == WAITING:
        return f", to start in {lasting(wait)}"
    return f", for {lasting(wait)}"


def _why(before: Move | None, move: Move) -> str:
    """Who said so, what went wrong, what was said of it, and what it carries besides."""
    said = (_approved(before, move), move.error, _message(move), *move.besides)
    parts = [as_label(part) for part in said if part]
    return f": {'; '.join(parts)}" if parts else ""


def _claim(before: Move | None, move: Move, owners: Owners) -> str:
    """Under which claim it was made, if under another than the step before."""
    if move.epoch is None or (before is not None and before.epoch == move.epoch):
        return ""
    owner = owners.get(move.epoch)
    return (
        f" (claim {move.epoch})" if owner is None else f" (claim {move.epoch}, {as_label(owner)})"
    )


def _approved(before: Move | None, move: Move) -> str | None:
    """The word of a person; it stays in the context, so a later resume need not be theirs."""
    if move.event != "resume" or move.approver is None:
        return None
    said = f"Approved by {move.approver}"
    fresh = before is None or before.approver != move.approver or move.message == said
    return said if fresh else None


def _message(move: Move) -> str | None:
    """What was said of the step, unless the sentence says the same."""
    said = move.message
    if said is None or said in _USUAL or said.startswith(_COUNTED):
        return None
    if move.error is not None and said.startswith("Unexpected error: "):
        return None
    return None if said == f"Approved by {move.approver}" else said


def _refused(refusal: Refusal) -> Line:
    who = "" if refusal.who is None else f", asked by {as_label(refusal.who)}"
    often = "" if refusal.times == 1 else f" {times(refusal.times)}, the last time"
    text = f"{as_label(refusal.event)} was refused{often}{who}: {as_label(refusal.reason)}"
    return Line(refusal.micros, None, as_label(refusal.event), text)


def _too_late(late: Late) -> Line:
    who = "a worker" if late.owner is None else as_label(late.owner)
    text = (
        f"too late, {who} said {as_label(late.event)}, from {as_label(late.source)} to "
        f"{as_label(late.dest)}; it was kept aside: {as_label(late.reason)}"
    )
    return Line(late.micros, None, as_label(late.event), text)
