"""MemoryJournal: keeps steps as long as the process lives."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

from fsm.errors import StaleRun, UnknownRun
from fsm.step import Step
from states import State

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
        known = self._runs.get(step.run, {})
        if step.seq > 1 and step.seq - 1 not in known:
            raise StaleRun(step.run, step.seq, "ahead of what is recorded")
        if step.dest._context or step.dest._cached_inputs:  # dicts, which their owner may change
            step = step._replace(dest=_apart(step.dest))
        winner = known.get(step.seq)
        if winner is None:
            winner = self._runs.setdefault(step.run, known).setdefault(step.seq, step)
            if winner is step:
                return
        raise StaleRun(step.run, step.seq, repr(winner))

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
        """
        kept = self._runs.get(run) if isinstance(run, str) else None
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
        """What is known of each run, by the time of their first steps, then by name."""
        histories = [[kept[seq] for seq in sorted(kept)] for kept in list(self._runs.values())]
        for steps in sorted(histories, key=lambda steps: (steps[0].micros, steps[0].run)):
            last = steps[-1]
            name, message = type(last.dest).__name__, _said(last.dest.message)
            yield Summary(last.run, name, message, len(steps), steps[0].micros, last.micros)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<MemoryJournal of {len(self._runs)} runs>"


def _apart(state: State) -> State:
    """A copy whose context nobody else holds, as far as it can be copied."""
    try:
        return state.evolve(context=copy.deepcopy(state.context))
    except Exception:  # a context may hold anything
        return state.evolve()


def _said(message: Any) -> str | None:
    try:
        return None if message is None else str(message)
    except Exception as error:  # a message is anyone's object
        return f"<{type(error).__name__} while asking what it says>"
