"""Books: every step that was acknowledged, kept by the side and held against the rules."""

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

__all__ = ["Books", "Line"]

# What leads on from where a run could stay for good. Written down here, not asked of the table.
ONWARDS = {
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
    """Nobody else wants to know."""


class Line(NamedTuple):
    """What is remembered of one step."""

    seq: int
    event: str
    source: str
    dest: str
    micros: int  # by the wall clock
    start: int | None  # when what was entered may start, by the wall clock
    steady: float  # seconds that had really passed
    life: object  # of which process; the steady clock of another is another
    epoch: int | None


class Books:
    """Every step that a journal has acknowledged, and what was wrong with it."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.life: object = 0
        self.lines: dict[str, list[Line]] = defaultdict(list)
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
        """Hear of every step that journals of this kind keep, and of every claim they give."""
        append, claim = kind.append, kind._claim

        def appended(journal: Any, step: Step, of: Any = None, **given: Any) -> None:
            if self._within:  # a journal that asks itself
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

        def claimed(*given: Any) -> list[tuple[str, int]]:
            claims = claim(*given)
            self.epochs.update(claims)
            return claims

        with mock.patch.multiple(kind, append=appended, _claim=claimed):
            yield

    def policy(self, run: str) -> Policy:
        return self.policies[run.partition("[")[0]]

    def note(self, step: Step, epoch: int | None) -> None:
        """Write a step down, and what is wrong with it."""
        start = getattr(step.dest, "start_time", None)
        line = Line(
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
        known = self.lines[step.run]
        for what in self._faults(step.run, known, line):
            self.wrong.append(f"{step.run} step {line.seq} {line.event}: {what}")
        known.append(line)
        self.counts[line.event] += 1
        self.heard(step)

    def compare(self, run: TaskRun, *, whole: bool = False) -> None:
        """Whether *run* has been where the books say: from the beginning on, or to the end."""
        had = [(step.seq, step.event, step.micros) for step in run.history]
        kept = [(line.seq, line.event, line.micros) for line in self.lines[run.id]]
        if had != (kept if whole else kept[: len(had)]):
            self.wrong.append(f"{run.id} remembers {had}, and the books say {kept}")

    def digest(self) -> str:
        """One word for all that has happened."""
        found = hashlib.sha256()
        for run, lines in sorted(self.lines.items()):
            for line in lines:
                found.update(repr((run, *line[:6])).encode())
        return found.hexdigest()

    # The rules.

    def _faults(self, run: str, known: list[Line], line: Line) -> Iterator[str]:
        last = known[-1] if known else None
        if line.seq != len(known) + 1:
            yield f"stands where step {len(known) + 1} should be"
        if last is not None and last.dest != line.source:
            yield f"leaves {line.source}, where the run was {last.dest}"
        if line.event not in ONWARDS.get(line.source, {line.event}):
            yield f"leads out of {line.source}"
        if line.epoch is not None and line.epoch != self.epochs.get(run):
            yield f"made under claim {line.epoch}, which {self.epochs.get(run)} has superseded"
        yield from self._early(last, line)
        yield from self._often(run, known, line)
        yield from self._timely(run, known, line)

    def _early(self, last: Line | None, line: Line) -> Iterator[str]:
        """Whether it starts before its time, by the wall clock or by the one nobody can set."""
        if line.event != "start" or last is None or last.start is None:
            return
        if line.micros < last.start:
            yield f"started {(last.start - line.micros) / 1e6:g} s early"
        passed, delay = line.steady - last.steady, (last.start - last.micros) / 1e6
        if last.event == "retry" and last.life == line.life and passed < delay - TINY:
            yield f"started {delay - passed:g} s early by the steady clock"

    def _often(self, run: str, known: list[Line], line: Line) -> Iterator[str]:
        """Whether it is tried more often, or sooner, than its policy says."""
        retry = self.policy(run).retry
        made = 1 + sum(each.event == line.event for each in known)
        if line.event == "rescue" and line.dest == "Retrying" and made > retry.max_rescues:
            yield f"rescued {made} times, and may be {retry.max_rescues}"
        if line.event != "retry":
            return
        if made > retry.max_retries:
            yield f"retried {made} times, and may be {retry.max_retries}"
        if line.source == "Running" or line.start is None:  # the task said when
            return
        tries = sum(each.event in ("retry", "rerun") for each in known)
        longest = float("inf") if retry.cap is None else retry.cap
        middle = min(retry.delay * retry.backoff**tries, longest)
        least, most = middle * (1 - retry.jitter), min(middle * (1 + retry.jitter), longest)
        if not least - TINY <= (line.start - line.micros) / 1e6 <= most + TINY:
            yield f"waits {(line.start - line.micros) / 1e6:g} s, not {least:g} to {most:g}"

    def _timely(self, run: str, known: list[Line], line: Line) -> Iterator[str]:
        """Whether its time was up as the step says."""
        if line.event not in ("time_out", "succeed"):
            return
        ends = list(self._deadlines(run, known))
        if line.event == "time_out" and not any(end <= line.micros for end in ends):
            yield "timed out before its time was up"
        if line.event == "succeed" and any(end <= line.micros for end in ends):
            yield "succeeded after its time was up"

    def _deadlines(self, run: str, known: list[Line]) -> Iterator[int]:
        limits = self.policy(run).timeout
        starts = [each for each in known if each.event == "start"]
        if limits.attempt is not None:
            yield starts[-1].micros + round(limits.attempt * 1e6)
        if limits.total is not None:
            anew = [each.seq for each in known if each.event in ("rerun", "expire")]
            began = next(
                each for each in known if each.seq > max(anew, default=0) and each.dest in BEGUN
            )
            yield began.micros + round(limits.total * 1e6)


BEGUN = {"Running", "Failed", "TimedOut", "TriggerFailed", "ValidationFailed"}
