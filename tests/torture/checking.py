"""Checking: what must be true of a journal after whatever has happened to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fsm import Journal, Step, TaskRun
from fsm.operations import verify

__all__ = ["Acknowledged", "acknowledged", "check", "kept", "missing"]


class Acknowledged(NamedTuple):
    """A step that `append` has returned from."""

    run: str
    seq: int
    event: str
    dest: str
    micros: int


def acknowledged(step: Step) -> Acknowledged:
    """What is to be remembered of *step* once it has been kept."""
    return Acknowledged(step.run, step.seq, step.event, type(step.dest).__name__, step.micros)


def missing(journal: Journal, steps: Iterable[Acknowledged]) -> list[Acknowledged]:
    """Those of *steps* that the journal does not hold."""
    return sorted(set(steps) - kept(journal))


def kept(journal: Journal) -> set[Acknowledged]:
    """All the steps that the journal holds."""
    return {
        Acknowledged(*record[:3], record.dest, record.micros)
        for summary in journal.runs()
        for record in journal.records(summary.run)
    }


def check(journal: Journal, steps: Iterable[Acknowledged]) -> None:
    """Nothing acknowledged is lost; no history has a gap or a fork; every run restores."""
    problems = [str(problem) for problem in verify(journal)]
    assert not problems, problems

    lost = missing(journal, steps)
    assert not lost, lost

    for summary in journal.runs():
        run = TaskRun.restore(summary.run, journal)
        assert [step.seq for step in run.history] == list(range(1, summary.steps + 1))
        assert type(run.state).__name__ == summary.state
