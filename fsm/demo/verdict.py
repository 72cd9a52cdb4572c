"""Verdict: what became of the runs of a generation, counted in the journal and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs

from fsm.journal import Journal
from fsm.operations import verify

from .flow import runs_of

__all__ = ["Verdict"]


@attrs.frozen
class Verdict:
    """How many runs of a generation finished, and what it took.

    A run is lost that has begun and not finished, that was to be and is not, or of whose history
    something is missing or impossible.
    """

    finished: int
    lost: int
    retried: int  # steps, as there may be several of one run
    rescued: int  # too
    refused: int  # results that came too late, and were set aside
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, id: str, journal: Journal, expected: int | None = None) -> Self:
        """Count.

        Args:
            expected: How many runs there are to be; as many as have begun if left out.
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
        """It, in one line, and whatever is wrong with the journal in one each."""
        yield (
            f"Verdict: {self.finished} runs finished, {self.lost} lost, {self.retried} retried, "
            f"{self.rescued} rescued, {self.refused} refused."
        )
        yield from (f"  {problem}" for problem in self.problems)
