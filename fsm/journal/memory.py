"""MemoryJournal: keeps steps as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterator

from fsm.errors import StaleRun, UnknownRun
from fsm.step import Step

from .record import Record
from .summary import Summary

__all__ = ["MemoryJournal"]


class MemoryJournal:
    """Keeps steps as long as the process lives, for any number of runs and threads."""

    blocking = False

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, Step]] = {}

    def append(self, step: Step) -> None:
        """Keep *step*; `setdefault` is atomic, so of two writers of one place one wins.

        Raises:
            StaleRun: Another writer has taken this place, or the step before it is not here.
        """
        kept = (
            self._runs.setdefault(step.run, {}) if step.seq == 1 else self._runs.get(step.run, {})
        )
        if step.seq > 1 and step.seq - 1 not in kept:
            raise StaleRun(step.run, step.seq, "ahead of what is recorded")
        winner = kept.setdefault(step.seq, step)
        if winner is not step:
            raise StaleRun(step.run, step.seq, repr(winner))

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
        """
        kept = self._runs.get(run)
        if not kept:
            raise UnknownRun(run, self)
        return iter([kept[seq] for seq in sorted(kept)])

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; needs none of the classes it names.

        Raises:
            UnknownRun: There is none.
            NotSerializable: A payload cannot be written out.
        """
        return map(Record.of, self.steps(run))

    def runs(self) -> Iterator[Summary]:
        """What is known of each run, in the order of their first steps."""
        for run, kept in list(self._runs.items()):
            steps = [kept[seq] for seq in sorted(kept)]
            if steps:
                last = steps[-1]
                message = None if last.dest.message is None else str(last.dest.message)
                name = type(last.dest).__name__
                yield Summary(run, name, message, len(steps), steps[0].micros, last.micros)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def __repr__(self) -> str:
        return f"<MemoryJournal of {len(self._runs)} runs>"
