"""Story: what happened to one run, when and why, as sentences that anybody can read.

The law of this file: what people and programs have written is shown as text, on one line and cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from fsm.durations import lasting
from fsm.errors import UnknownRun
from fsm.journal.base import Journal, kind_of
from fsm.journal.phase import FAILED, FINISHED, RUNNING, WAITING
from fsm.states import moment
from fsm.tasks.policy import Policy, as_policy
from fsm.text import as_label

from .entry import Move
from .folding import folded
from .narrator import LONG, Line, lines_of, tries_of
from .phrases import clock, only, policy_in_words

if TYPE_CHECKING:
    from fsm.journal.late import Late
    from fsm.journal.summary import Summary
    from fsm.lifecycle.refusal import Refusal
    from fsm.run.run import Run

__all__ = ["Line", "Story", "read_story", "story_of"]

_Place = tuple[int, str]  # after how many steps, and which event


@attrs.frozen
class Story:
    """What happened to one run, oldest first, under what policy, and what it waits for now."""

    run: str
    kind: str  # the class it is a run of, as module:Class; empty where that is unknown
    state: str
    title: str
    policy: str | None
    lines: tuple[Line, ...]
    stands: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "run": self.run,
            "class": self.kind or None,
            "state": self.state,
            "title": self.title,
            "policy": self.policy,
            "lines": [
                {
                    "at": moment.format(moment.from_micros(line.micros)),
                    "seq": line.seq,
                    "event": line.event,
                    "text": line.text,
                }
                for line in self.lines
            ],
            "stands": list(self.stands),
        }

    def __str__(self) -> str:
        head = [self.title] if self.policy is None else [self.title, f"Policy: {self.policy}."]
        return "\n\n".join(filter(None, map("\n".join, (head, folded(self.lines), self.stands))))


def story_of(run: Run) -> Story:
    """Tell of a run at hand: its own steps, and what its journal knows besides."""
    moves = [Move.of(step) for step in run.history]
    journal = getattr(run.journal, "journal", run.journal)  # a claim's own
    summary: Summary | None = None
    late: tuple[Late, ...] = ()
    refusals: dict[_Place, Refusal] = {}  # of others, too; ours know how often
    if moves and isinstance(journal, Journal):
        with suppress(UnknownRun):  # a program that tidies up was faster
            summary, late = journal.summary(run.id), tuple(journal.late(run.id))
            refusals = _by_place(journal.refusals(run.id))
    policy = getattr(run, "policy", None)
    ends = getattr(run, "deadline", None)
    deadline = None if ends is None else moment.to_micros(ends)
    state = type(run.state).__name__
    lines = _lines(moves, policy, summary, late, (refusals | _by_place(run.refusals)).values())
    return _tell(run.id, kind_of(type(run)), state, moves, lines, policy, deadline, summary)


def read_story(journal: Journal, run: str) -> Story:
    """Tell of a run in a journal; none of its classes need be known.

    Raises:
        UnknownRun: There is no such run.
    """
    records = list(journal.records(run))
    moves = [Move.read(record) for record in records]
    summary, late = journal.summary(run), tuple(journal.late(run))
    policy = _policy(records[0].origin)
    state = moves[-1].dest
    lines = _lines(moves, policy, summary, late, journal.refusals(run))
    return _tell(run, summary.kind, state, moves, lines, policy, summary.deadline, summary)


def _policy(origin: str | None) -> Policy | None:
    try:
        return as_policy(json.loads(origin or "null")["settings"]["policy"])
    except (TypeError, ValueError, KeyError, RecursionError):
        return None


def _by_place(refusals: Iterable[Refusal]) -> dict[_Place, Refusal]:
    return {(each.seq, each.event): each for each in refusals}


def _lines(
    moves: Sequence[Move],
    policy: Policy | None,
    summary: Summary | None,
    late: Iterable[Late],
    refusals: Iterable[Refusal],
) -> Iterator[Line]:
    late = tuple(late)
    owners = {each.epoch: each.owner for each in late}
    if summary is not None:
        owners[summary.epoch] = summary.owner
    return lines_of(moves, policy, owners, late, refusals)


def _tell(
    run: str,
    kind: str,
    state: str,
    moves: Sequence[Move],
    lines: Iterable[Line],
    policy: Policy | None,
    deadline: int | None,
    summary: Summary | None,
) -> Story:
    attempt = next(reversed(tries_of(moves)), 0)
    stands = _stands(moves, attempt, policy, deadline, summary)
    words = None if policy is None else policy_in_words(policy)
    title = _title(run, state, moves)
    return Story(
        as_label(run), as_label(kind), as_label(state), title, words, tuple(lines), tuple(stands)
    )


def _title(run: str, state: str, moves: Sequence[Move]) -> str:
    if not moves:
        return f"{as_label(run)} is {as_label(state)} and has not moved yet."
    steps = f"{len(moves)} step{'s' * (len(moves) != 1)}"
    took = moves[-1].micros - moves[0].micros
    lasted = f" and {lasting(took)}" if took > 0 else ""
    return f"{as_label(run)} is {as_label(state)}, {steps}{lasted} after it began."


def _stands(
    moves: Sequence[Move],
    attempt: int,
    policy: Policy | None,
    deadline: int | None,
    summary: Summary | None,
) -> Iterator[str]:
    if moves:
        yield _waits_for(moves[-1], attempt, policy)
    if deadline is not None:
        yield f"Its time is up at {clock(deadline)}."
    if summary is not None and summary.owner is not None:
        until = "" if summary.lease is None else f" until {clock(summary.lease)}"
        yield f"{as_label(summary.owner)} has claimed it{until} (claim {summary.epoch})."


def _waits_for(last: Move, attempt: int, policy: Policy | None) -> str:
    if last.phase == FAILED:
        if policy is None:
            return "It has failed."
        if attempt <= policy.retry.max_retries:
            return f"It has failed; its policy has an attempt left{only(policy.retry)}."
        return "It has failed, and its attempts are used; only a rerun tries it again."
    if last.phase == FINISHED:
        return "It is over." if last.due is None else f"It is over, and keeps to {clock(last.due)}."
    if last.phase == RUNNING:
        return "It is running."
    if last.phase == WAITING:
        return _waits(last)
    return {
        "Mapped": "It waits for its children.",
        "Looped": "It waits for its next iteration.",
    }.get(last.dest, f"It stays in {as_label(last.dest)} until an event moves it.")


def _waits(last: Move) -> str:
    wait = 0 if last.due is None else last.due - last.micros
    if last.dest == "Paused":
        until = "" if last.due is None or wait >= LONG else f", or for {clock(last.due)}"
        return f"It waits for somebody to resume it{until}."
    if last.due is None or wait <= 0:
        return "It waits to be started."
    return f"It waits for {clock(last.due)}, to start."
