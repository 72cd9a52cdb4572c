"""The story of one run: what happened to it, when and why, and what it waits for, in sentences.

Text that people and programs have written is escaped, put on one line and cut.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from fsm.durations import format_duration
from fsm.errors import UnknownRun
from fsm.journal import Journal
from fsm.journal.phase import FAILED, FINISHED, RUNNING, WAITING
from fsm.run.run import Run
from fsm.states import moment
from fsm.tasks.policy import Policy, as_policy
from fsm.text import as_label, format_time

from .entry import StoryEntry
from .folding import fold_repeats
from .narrator import StoryLine, attempt_numbers, is_open_ended, narrate
from .wording import describe_policy, describe_retry_limits

if TYPE_CHECKING:
    from fsm.journal import LateResult, Summary
    from fsm.lifecycle.refusal import Refusal

__all__ = ["Story", "read_story", "tell_story"]

_RefusalKey = tuple[int, str]  # after how many steps, and of which event


@attrs.frozen
class Story:
    """What happened to one run, oldest first, under which policy, and what it waits for now.

    `str(story)` is the whole text; there a block of lines that repeats is folded. `lines` has all.
    """

    __module__ = "fsm.explain"

    run: str  # its id
    kind: str  # its class, as module:Class; empty where the journal does not know it
    state: str
    title: str
    policy: str | None  # as a sentence; None where the run has none
    lines: tuple[StoryLine, ...]
    status: tuple[str, ...]  # sentences: what the run waits for, its deadline, its claim

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
            "status": list(self.status),
        }

    def __str__(self) -> str:
        head = [self.title] if self.policy is None else [self.title, f"Policy: {self.policy}."]
        paragraphs = (head, fold_repeats(self.lines), self.status)
        return "\n\n".join(filter(None, map("\n".join, paragraphs)))


def tell_story(run: Run) -> Story:
    """Tell the story of a run at hand, from its own steps and from what its journal knows besides.

    The run is not moved, and not caught up with its journal.
    """
    entries = [StoryEntry.from_step(step) for step in run.history]
    journal = getattr(run.journal, "journal", run.journal)  # of a claim: the claim's journal
    summary: Summary | None = None
    late: tuple[LateResult, ...] = ()
    refusals: dict[_RefusalKey, Refusal] = {}  # of all processes; the run's own have exact counts
    if entries and isinstance(journal, Journal):
        with suppress(UnknownRun):  # the run was deleted from the journal meanwhile
            summary, late = journal.summary(run.id), tuple(journal.late_results(run.id))
            refusals = _by_key(journal.refusals(run.id))
    policy = getattr(run, "policy", None)
    ends = getattr(run, "deadline", None)
    deadline = None if ends is None else moment.to_micros(ends)
    state = type(run.state).__name__
    merged = (refusals | _by_key(run.refusals)).values()
    lines = _narrate(entries, policy, summary, late, merged)
    return _build(run.id, run.lifecycle.kind, state, entries, lines, policy, deadline, summary)


def read_story(journal: Journal, run: str) -> Story:
    """Tell the story of a run in a journal. The classes of the run and its states are not needed.

    Args:
        run: The id of the run.

    Raises:
        UnknownRun: There is no such run.
    """
    records = list(journal.records(run))
    entries = [StoryEntry.from_record(record) for record in records]
    summary, late = journal.summary(run), tuple(journal.late_results(run))
    policy = _policy(records[0].origin)
    state = entries[-1].dest
    lines = _narrate(entries, policy, summary, late, journal.refusals(run))
    return _build(run, summary.kind, state, entries, lines, policy, summary.deadline, summary)


def _policy(origin: str | None) -> Policy | None:
    try:
        return as_policy(json.loads(origin or "null")["settings"]["policy"])
    except (TypeError, ValueError, KeyError, RecursionError):
        return None


def _by_key(refusals: "Iterable[Refusal]") -> "dict[_RefusalKey, Refusal]":
    return {(each.seq, each.event): each for each in refusals}


def _narrate(
    entries: Sequence[StoryEntry],
    policy: Policy | None,
    summary: "Summary | None",
    late: "Iterable[LateResult]",
    refusals: "Iterable[Refusal]",
) -> Iterator[StoryLine]:
    late = tuple(late)
    owners = {each.epoch: each.owner for each in late}
    if summary is not None:
        owners[summary.epoch] = summary.owner
    return narrate(entries, policy, owners, late, refusals)


def _build(
    run: str,
    kind: str,
    state: str,
    entries: Sequence[StoryEntry],
    lines: Iterable[StoryLine],
    policy: Policy | None,
    deadline: int | None,
    summary: "Summary | None",
) -> Story:
    attempt = next(reversed(attempt_numbers(entries)), 0)
    status = _status(entries, attempt, policy, deadline, summary)
    words = None if policy is None else describe_policy(policy)
    title = _title(run, state, entries)
    return Story(
        as_label(run), as_label(kind), as_label(state), title, words, tuple(lines), tuple(status)
    )


def _title(run: str, state: str, entries: Sequence[StoryEntry]) -> str:
    if not entries:
        return f"{as_label(run)} is {as_label(state)} and has not moved yet."
    steps = f"{len(entries)} step{'s' * (len(entries) != 1)}"
    took = entries[-1].micros - entries[0].micros
    lasted = f" and {format_duration(took)}" if took > 0 else ""
    return f"{as_label(run)} is {as_label(state)}, {steps}{lasted} after it began."


def _status(
    entries: Sequence[StoryEntry],
    attempt: int,
    policy: Policy | None,
    deadline: int | None,
    summary: "Summary | None",
) -> Iterator[str]:
    if entries:
        yield _describe_wait(entries[-1], attempt, policy)
    if deadline is not None:
        yield f"It times out at {format_time(deadline)}."
    if summary is not None and summary.owner is not None:
        until = "" if summary.lease is None else f" until {format_time(summary.lease)}"
        yield f"{as_label(summary.owner)} has claimed it{until} (claim {summary.epoch})."


def _describe_wait(last: StoryEntry, attempt: int, policy: Policy | None) -> str:
    if last.phase == FAILED:
        if policy is None:
            return "It has failed."
        if attempt <= policy.retry.max_retries:
            limits = describe_retry_limits(policy.retry)
            return f"It has failed; its policy allows another attempt{limits}."
        return "It has failed and has no attempts left; only a rerun starts it again."
    if last.phase == FINISHED:
        kept = "" if last.due is None else f"; its result is cached until {format_time(last.due)}"
        return f"It has finished{kept}."
    if last.phase == RUNNING:
        return "It is running."
    if last.phase == WAITING:
        return _describe_start(last)
    return {
        "Mapped": "It waits for its children.",
        "Looped": "It waits for its next iteration.",
    }.get(last.dest, f"It stays in {as_label(last.dest)} until an event moves it.")


def _describe_start(last: StoryEntry) -> str:
    if last.dest == "Paused":
        ends = (
            "" if last.due is None or is_open_ended(last) else f", or until {format_time(last.due)}"
        )
        return f"It waits to be resumed{ends}."
    if last.due is None or last.due <= last.micros:
        return "It waits to be started."
    return f"It waits until {format_time(last.due)} to start."


for _public in (read_story, tell_story):
    _public.__module__ = "fsm.explain"
