"""History: steps that follow from one another."""

from __future__ import annotations

from collections.abc import Sequence

from fsm.errors import CorruptJournal

from .step import Step
from .table import Lifecycle

__all__ = ["check_history"]


def check_history(lifecycle: Lifecycle, run: str, steps: Sequence[Step]) -> None:
    """Accept steps that are numbered without a gap, begin where the last one ended, and are legal.

    Raises:
        CorruptJournal: They are not the history of a run of this lifecycle.
    """
    before = steps[0].source
    if type(before) not in lifecycle.nodes:
        raise CorruptJournal(f"run {run!r} began in {before!r}, where no {lifecycle.name} can be")
    for seq, step in enumerate(steps, 1):
        if step.seq != seq or type(step.source) is not type(before):
            raise CorruptJournal(
                f"run {run!r}: {step!r} stands where step {seq} from "
                f"{type(before).__name__} should be"
            )
        if type(step.dest) not in lifecycle.dests(step.event, type(step.source)):
            raise CorruptJournal(f"run {run!r}: {step!r} is not in the table of {lifecycle.name}")
        before = step.dest
