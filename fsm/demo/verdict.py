"""The outcome of a generation, counted from the journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs

from fsm.journal import Journal
from fsm.operations import verify

from .pipeline import runs_of

__all__ = ["Verdict"]


@attrs.frozen
class Verdict:
    """How many runs of a generation finished, and how many retries and rescues they needed.

    A run counts as lost if it began and did not finish, if it is expected and not recorded, or if
    its history is incomplete or impossible.
    """

    finished: int
    lost: int
    retried: int  # steps; one run may have several
    rescued: int  # steps, too
    refused: int  # results that arrived too late
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, id: str, journal: Journal, expected: int | None = None) -> Self:
        """Count the runs of a generation.

        Args:
            id: The generation.
            journal: Where it is recorded.
            expected: How many runs it should have. Default: as many as have begun.
        """
        runs = {run.id: run for run in runs_of(id, journal)}
        problems = [each for each in verify(journal) if each.run is None or each.run in runs]
        finished = {name for name, run in runs.items() if run.state.is_finished()}
        finished -= {problem.run for problem in problems if problem.run is not None}
        events = [step.event for run in runs.values() for step in run.history]
        return cls(
            finished=len(finished),
            lost=max(expected or 0, len(runs)) - len(finished),
            retried=events.count("retry"),
            rescued=events.count("rescue"),
            refused=sum(late.run in runs for late in journal.late_results()),
            problems=tuple(map(str, problems)),
        )

    def lines(self) -> Iterator[str]:
        """Yield the verdict in one line, and each problem of the journal in one more."""
        yield (
            f"Verdict: {self.finished} runs finished, {self.lost} lost, {self.retried} retried, "
            f"{self.rescued} rescued, {self.refused} refused."
        )
        yield from (f"  {problem}" for problem in self.problems)
