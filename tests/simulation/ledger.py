"""The ledger: a second record of every acknowledged step, checked against rules of its own."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

from fsm import Journal, Policy, Step, TaskRun
from fsm.states import moment
from fsm.testing import HandClock

__all__ = ["Entry", "Ledger"]

# The events that lead out of final states. Written down here, not read from the table.
EXITS = {
    "Success": {"cache"},
    "Cached": {"expire"},
    "Mapped": {"map", "fail_map", "cancel"},
    "Failed": {"retry", "rerun"},
    "TimedOut": {"retry", "rerun"},
    "TriggerFailed": {"retry", "rerun"},
    "ValidationFailed": {"retry", "rerun"},
    "Skipped": set[str](),
    "Cancelled": set[str](),
    "Finished": set[str](),
}
TINY = 2e-6  # seconds: a clock says microseconds


Hook = Callable[[Step], object]


def _pass(_step: Step) -> None:
    """Do nothing."""


class Entry(NamedTuple):
    """What the ledger keeps of one step."""

    seq: int
    event: str
    source: str
    dest: str
    micros: int  # by the wall clock
    start: int | None  # when the new state may start, by the wall clock
    steady: float  # seconds that have passed, by the steady clock
    life: object  # of which process: each has a steady clock of its own
    epoch: int | None


class Ledger:
    """Every step that a journal has acknowledged, and the rules it broke."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.life: object = 0
        self.entries: dict[str, list[Entry]] = defaultdict(list)
        self.policies: dict[str, Policy] = {}  # by run; a child has its parent's
        self.epochs: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.heard: Callable[[Step], object] = lambda _step: None
        self._within = False

    @contextlib.contextmanager
    def watching(
        self, kind: type[Journal], before: Hook = _pass, after: Hook = _pass
    ) -> Iterator[None]:
        """Note every step that journals of class *kind* keep, and every claim they give."""
        append, claim = kind.append, kind._claim

        def append_and_note(journal: Any, step: Step, of: Any = None, **given: Any) -> None:
            if self._within:  # a journal that calls its own append
                append(journal, step, of, **given)
                return
            before(step)
            self._within = True
            try:
                append(journal, step, of, **given)
            finally:
                self._within = False
            self.note(step, given.get("epoch"))
            after(step)

        def claim_and_note(*given: Any) -> list[tuple[str, int]]:
            claims = claim(*given)
            self.epochs.update(claims)
            return claims

        with mock.patch.multiple(kind, append=append_and_note, _claim=claim_and_note):
            yield

    def policy(self, run: str) -> Policy:
        return self.policies[run.partition("[")[0]]

    def note(self, step: Step, epoch: int | None) -> None:
        """Enter a step, and the rules it breaks."""
        start = getattr(step.dest, "start_time", None)
        entry = Entry(
            step.seq,
            step.event,
            type(step.source).__name__,
            type(step.dest).__name__,
            step.micros,
            None if start is None else moment.to_micros(start),
            self.clock.steady(),
            self.life,
            epoch,
        )
        known = self.entries[step.run]
        for fault in self._faults(step.run, known, entry):
            self.wrong.append(f"{step.run} step {entry.seq} {entry.event}: {fault}")
        known.append(entry)
        self.counts[entry.event] += 1
        self.heard(step)

    def compare(self, run: TaskRun, *, whole: bool = False) -> None:
        """Check that the history of *run* is a prefix of the ledger's, or with *whole* equal."""
        had = [(step.seq, step.event, step.micros) for step in run.history]
        kept = [(entry.seq, entry.event, entry.micros) for entry in self.entries[run.id]]
        if had != (kept if whole else kept[: len(had)]):
            self.wrong.append(f"{run.id} remembers {had}, and the ledger has {kept}")

    def digest(self) -> str:
        """A hash of everything that has happened."""
        found = hashlib.sha256()
        for run, entries in sorted(self.entries.items()):
            for entry in entries:
                found.update(repr((run, *entry[:6])).encode())
        return found.hexdigest()

    # The rules.

    def _faults(self, run: str, known: list[Entry], entry: Entry) -> Iterator[str]:
        last = known[-1] if known else None
        if entry.seq != len(known) + 1:
            yield f"stands where step {len(known) + 1} should be"
        if last is not None and last.dest != entry.source:
            yield f"leaves {entry.source}, where the run was {last.dest}"
        if entry.event not in EXITS.get(entry.source, {entry.event}):
            yield f"leads out of {entry.source}"
        if entry.epoch is not None and entry.epoch != self.epochs.get(run):
            yield f"made under claim {entry.epoch}, which {self.epochs.get(run)} has superseded"
        yield from self._check_start(last, entry)
        yield from self._check_retries(run, known, entry)
        yield from self._check_deadlines(run, known, entry)

    def _check_start(self, last: Entry | None, entry: Entry) -> Iterator[str]:
        """Whether it starts too early, by the wall clock or by the steady clock."""
        if entry.event != "start" or last is None or last.start is None:
            return
        if entry.micros < last.start:
            yield f"started {(last.start - entry.micros) / 1e6:g} s early"
        passed, delay = entry.steady - last.steady, (last.start - last.micros) / 1e6
        if last.event == "retry" and last.life == entry.life and passed < delay - TINY:
            yield f"started {delay - passed:g} s early by the steady clock"

    def _check_retries(self, run: str, known: list[Entry], entry: Entry) -> Iterator[str]:
        """Whether it is retried more often, or sooner, than its policy allows."""
        retry = self.policy(run).retry
        made = 1 + sum(each.event == entry.event for each in known)
        if entry.event == "rescue" and entry.dest == "Retrying" and made > retry.max_rescues:
            yield f"rescued {made} times, and may be {retry.max_rescues}"
        if entry.event != "retry":
            return
        if made > retry.max_retries:
            yield f"retried {made} times, and may be {retry.max_retries}"
        if entry.source == "Running" or entry.start is None:  # the task chose the time
            return
        tries = sum(each.event in ("retry", "rerun") for each in known)
        longest = float("inf") if retry.cap is None else retry.cap
        middle = min(retry.delay * retry.backoff**tries, longest)
        least, most = middle * (1 - retry.jitter), min(middle * (1 + retry.jitter), longest)
        if not least - TINY <= (entry.start - entry.micros) / 1e6 <= most + TINY:
            yield f"waits {(entry.start - entry.micros) / 1e6:g} s, not {least:g} to {most:g}"

    def _check_deadlines(self, run: str, known: list[Entry], entry: Entry) -> Iterator[str]:
        """Whether a deadline had passed, as the step implies."""
        if entry.event not in ("time_out", "succeed"):
            return
        ends = list(self._deadlines(run, known))
        if entry.event == "time_out" and not any(end <= entry.micros for end in ends):
            yield "timed out before its deadline"
        if entry.event == "succeed" and any(end <= entry.micros for end in ends):
            yield "succeeded after its deadline"

    def _deadlines(self, run: str, known: list[Entry]) -> Iterator[int]:
        limits = self.policy(run).timeout
        starts = [each for each in known if each.event == "start"]
        if limits.attempt is not None:
            yield starts[-1].micros + round(limits.attempt * 1e6)
        if limits.total is not None:
            anew = [each.seq for each in known if each.event in ("rerun", "expire")]
            began = next(
                each for each in known if each.seq > max(anew, default=0) and each.dest in STARTED
            )
            yield began.micros + round(limits.total * 1e6)


STARTED = {"Running", "Failed", "TimedOut", "TriggerFailed", "ValidationFailed"}
