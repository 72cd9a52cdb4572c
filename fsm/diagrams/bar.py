"""Bar: a run's history as spans of time, and the spans as cells of a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

from fsm.journal.record import Record
from fsm.run import Run
from fsm.step import Step

from .look import Look, look_of

__all__ = ["Bar", "History", "Span", "bars", "cells"]

History = Run | Sequence[Step] | Sequence[Record]


@attrs.frozen(eq=False)
class Span:
    """How long a run was in one state, in microseconds since 1970."""

    look: Look
    began: int
    ended: int  # where it began, for the end of a run; when the picture ends, if it is there still


@attrs.frozen(eq=False)
class Bar:
    """One run over time."""

    name: str
    spans: tuple[Span, ...]
    kind: str = ""  # what it is a run of

    @property
    def began(self) -> int:
        """When its first step was made."""
        return self.spans[0].began

    @property
    def ended(self) -> int:
        """When its last state ended."""
        return self.spans[-1].ended

    @property
    def starts(self) -> int:
        """How often it was running."""
        return sum(span.look.kind == "running" for span in self.spans)

    @property
    def last(self) -> Look:
        """The state it is in."""
        return self.spans[-1].look


def bars(
    histories: Iterable[History],
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> list[Bar]:
    """Make the bars of all runs that have moved, in the order they began.

    Args:
        histories: Runs, or their steps, or these as a journal keeps them.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
        kinds: By its id, what a run is a run of, where only its steps are given.
    """
    named = kinds or {}
    moved = [(kind, steps) for kind, steps in map(_steps, histories) if steps]
    ends = [steps[-1].micros for _, steps in moved]
    end = max([*ends, until] if until is not None else ends, default=0)
    looks: dict[object, Look] = {}  # a state is asked once what it looks like
    made = (_bar(steps, end, kind or named.get(steps[0].run, ""), looks) for kind, steps in moved)
    return sorted(made, key=lambda bar: (bar.began, bar.name))


def cells(bar: Bar, began: int, ended: int, width: int) -> list[Look | None]:
    """Return for each of *width* cells the state it shows; None before the run and after its end.

    Short spans stand on long ones, so that the shortest retry is seen. The end of a run takes the
    cell after it, where there is one.
    """
    shown: list[Look | None] = [None] * width
    spread = max(ended - began, 1)
    for span in sorted(bar.spans, key=lambda span: span.began - span.ended):
        first = min((span.began - began) * width // spread, width - 1)
        last = min(max((span.ended - began) * width // spread, first + 1), width)
        if span is bar.spans[-1] and span.look.final and len(bar.spans) > 1:
            free = [cell for cell in range(first, min(first + 2, width)) if shown[cell] is None]
            first, last = (free[0], free[0] + 1) if free else (0, 0)
        shown[first:last] = [span.look] * (last - first)
    return shown


def _bar(
    steps: Sequence[Step] | Sequence[Record], end: int, kind: str, looks: dict[object, Look]
) -> Bar:
    seen = []
    for step in steps:
        key = type(step.dest) if isinstance(step, Step) else step.dest
        if key not in looks:
            looks[key] = look_of(step)
        seen.append((looks[key], step.micros))
    spans = [Span(look, began, after) for (look, began), (_, after) in pairwise(seen)]
    last, began = seen[-1]
    return Bar(steps[-1].run, (*spans, Span(last, began, began if last.final else end)), kind)


def _steps(history: History) -> tuple[str, Sequence[Step] | Sequence[Record]]:
    if isinstance(history, Run):
        return type(history).__name__, history.history
    return "", history
