"""The narrator: the steps of a run as sentences, and between them refusals and late results.

Text that people and programs have written is escaped, put on one line and cut.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from fsm.durations import format_duration
from fsm.journal.phase import WAITING
from fsm.lifecycle.refusal import Refusal
from fsm.tasks.attempts import RETRYING, Attempt
from fsm.tasks.policy import Policy
from fsm.tasks.task_run import TaskRun
from fsm.text import as_label, format_time

from .entry import StoryEntry
from .wording import STEP_PHRASES, count_in_words

if TYPE_CHECKING:
    from fsm.journal import LateResult

__all__ = ["Owners", "StoryLine", "attempt_numbers", "is_open_ended", "narrate"]

Owners = Mapping[int | None, str | None]  # by epoch of a claim: its owner, where the journal knows

_FIVE_YEARS = 5 * 366 * 86_400 * 1_000_000  # microseconds

# Messages that our own rows give by default: the phrase of the step says the same.
_DEFAULT_MESSAGES = {
    row.message for event in TaskRun.lifecycle.events.values() for row in event.rows
}
_COUNTING_MESSAGES = (
    "Retrying Task (",
    "Rerun on demand (",
    "Task is looping (",
    "Looping task (",
)


@attrs.frozen
class StoryLine:
    """One thing that happened: a step, a refusal or a late result."""

    __module__ = "fsm.explain"

    micros: int  # since 1970 in UTC
    seq: int | None  # of the step; None for a refusal or a late result
    event: str
    text: str

    def __str__(self) -> str:
        return f"{format_time(self.micros)}  {self.text}"


def narrate(
    entries: Sequence[StoryEntry],
    policy: Policy | None,
    owners: Owners,
    late: "Iterable[LateResult]",
    refusals: Iterable[Refusal],
) -> Iterator[StoryLine]:
    """Yield the steps in their order, whatever their clocks say, with what happened between them.

    A refusal follows the step after which it was made; a late result is placed by its time.
    """
    refused: dict[int, list[StoryLine]] = {}
    for each in sorted(refusals, key=lambda each: each.micros):
        refused.setdefault(each.seq, []).append(_refusal_line(each))
    waiting = deque(sorted(map(_late_line, late), key=lambda line: line.micros))
    highest = 0
    yield from refused.pop(0, ())
    for step in _step_lines(entries, policy, owners):
        highest = max(highest, step.micros)
        while waiting and waiting[0].micros < highest:
            yield waiting.popleft()
        yield step
        yield from refused.pop(step.seq or 0, ())
    yield from waiting


def is_open_ended(entry: StoryEntry) -> bool:
    """Whether it is due more than five years later, as a pause is that waits for a person."""
    return entry.due is not None and entry.due - entry.micros >= _FIVE_YEARS


def _step_lines(
    entries: Sequence[StoryEntry], policy: Policy | None, owners: Owners
) -> Iterator[StoryLine]:
    before, last = None, 0
    for entry, attempt in zip(entries, attempt_numbers(entries), strict=True):
        began = "started" if attempt > last else "continued"
        text = _step_phrase(entry, _attempt_of_most(attempt, policy), began)
        text += _after(before, entry) + _until(entry) + _details(before, entry)
        text += _claim(before, entry, owners)
        yield StoryLine(entry.micros, entry.seq, as_label(entry.event), text)
        before, last = entry, attempt


def attempt_numbers(entries: Iterable[StoryEntry]) -> list[int]:
    """The number of the attempt that the run was in after each step."""
    attempt, numbers = Attempt(), []
    for entry in entries:
        entered = entry.phase if entry.attempts is None else RETRYING
        attempt = attempt.after(entered, entry.attempts)
        numbers.append(attempt.number)
    return numbers


def _attempt_of_most(attempt: int, policy: Policy | None) -> str:
    most = 0 if policy is None else policy.retry.max_retries + 1
    return f"{attempt} of {most}" if attempt <= most else str(attempt)


def _step_phrase(entry: StoryEntry, attempt: str, began: str) -> str:
    phrase = STEP_PHRASES.get((entry.event, entry.dest))
    if phrase is None:
        return (
            f"{as_label(entry.event)} led from {as_label(entry.source)} to {as_label(entry.dest)}"
        )
    return phrase.format(attempt=attempt, began=began)


def _after(before: StoryEntry | None, entry: StoryEntry) -> str:
    spent = 0 if before is None else entry.micros - before.micros
    if spent <= -1000:  # another machine's clock, or one set back; less than 1 ms is not printed
        return f", by a clock that was {format_duration(-spent)} behind"
    return f", after {format_duration(spent)} in {as_label(entry.source)}" if spent > 0 else ""


def _until(entry: StoryEntry) -> str:
    wait = 0 if entry.due is None else entry.due - entry.micros
    if wait <= 0 or is_open_ended(entry):
        return ""
    if entry.phase == WAITING:
        return f", to start in {format_duration(wait)}"
    return f", for {format_duration(wait)}"


def _details(before: StoryEntry | None, entry: StoryEntry) -> str:
    """The approval, the error, the message, and the fields of a user's state class."""
    details = (_approval(before, entry), entry.error, _message(entry), *entry.own_fields)
    parts = [as_label(part) for part in details if part]
    return f": {'; '.join(parts)}" if parts else ""


def _claim(before: StoryEntry | None, entry: StoryEntry, owners: Owners) -> str:
    """The claim under which the step was made, if it is another than that of the step before."""
    if entry.epoch is None or (before is not None and before.epoch == entry.epoch):
        return ""
    owner = owners.get(entry.epoch)
    return (
        f" (claim {entry.epoch})" if owner is None else f" (claim {entry.epoch}, {as_label(owner)})"
    )


def _approval(before: StoryEntry | None, entry: StoryEntry) -> str | None:
    """Who approved. The name stays in the context, so a later resume need not be theirs."""
    if entry.event != "resume" or entry.approver is None:
        return None
    approval = f"Approved by {entry.approver}"
    is_new = before is None or before.approver != entry.approver or entry.message == approval
    return approval if is_new else None


def _message(entry: StoryEntry) -> str | None:
    """The message of the state, unless the sentence says the same already."""
    message = entry.message
    if message is None or message in _DEFAULT_MESSAGES or message.startswith(_COUNTING_MESSAGES):
        return None
    if entry.error is not None and message.startswith("Unexpected error: "):
        return None
    return None if message == f"Approved by {entry.approver}" else message


def _refusal_line(refusal: Refusal) -> StoryLine:
    who = "" if refusal.who is None else f", requested by {as_label(refusal.who)}"
    count = "" if refusal.times == 1 else f" {count_in_words(refusal.times)}, the last time"
    text = f"{as_label(refusal.event)} was refused{count}{who}: {as_label(refusal.reason)}"
    return StoryLine(refusal.micros, None, as_label(refusal.event), text)


def _late_line(late: "LateResult") -> StoryLine:
    owner = "a worker" if late.owner is None else as_label(late.owner)
    edge = f"{as_label(late.event)} from {as_label(late.source)} to {as_label(late.dest)}"
    text = f"a late result of {owner} was kept aside: {edge}: {as_label(late.reason)}"
    return StoryLine(late.micros, None, as_label(late.event), text)
