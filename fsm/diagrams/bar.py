"""Bar: a run's history as spans of time, and the spans as cells of a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import attrs

from fsm.run import Run
from fsm.step import Step
from states import State

__all__ = ["Bar", "History", "Span", "bars", "cells"]

History = Run | Sequence[Step]


@attrs.frozen(eq=False)
class Span:
    """How long a run was in one state, in microseconds since 1970."""

    state: State
    began: int
    ended: int  # where it began, for the end of a run; when the picture ends, if it is there still


@attrs.frozen(eq=False)
class Bar:
    """One run over time."""

    name: str
    spans: tuple[Span, ...]

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
        return sum(span.state.is_running() for span in self.spans)

    @property
    def last(self) -> State:
        """The state it is in."""
        return self.spans[-1].state


def bars(histories: Iterable[History], until: int | None = None) -> list[Bar]:
    """Make the bars of all runs that have moved, in the order they began.

    Args:
        histories: Runs, or their steps.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
    """
    moved = [steps for history in histories if (steps := _steps(history))]
    ends = [steps[-1].micros for steps in moved]
    end = max([*ends, until] if until is not None else ends, default=0)
    return sorted((_bar(steps, end) for steps in moved), key=lambda bar: (bar.began, bar.name))


def cells(bar: Bar, began: int, ended: int, width: int) -> list[State | None]:
    """Return for each of *width* cells the state it shows; None before the run and after its end.

    Short spans stand on long ones, so that the shortest retry is seen. The end of a run takes the
    cell after it, where there is one.
    """
    shown: list[State | None] = [None] * width
    spread = max(ended - began, 1)
    for span in sorted(bar.spans, key=lambda span: span.began - span.ended):
        first = min((span.began - began) * width // spread, width - 1)
        last = min(max((span.ended - began) * width // spread, first + 1), width)
        ends = span is bar.spans[-1] and span.state.is_finished()
        if not ends or shown[first] is None or len(bar.spans) == 1:
            shown[first:last] = [span.state] * (last - first)
    return shown


def _bar(steps: Sequence[Step], end: int) -> Bar:
    spans = [Span(step.dest, step.micros, after.micros) for step, after in pairwise(steps)]
    last = steps[-1]
    stopped = last.micros if last.dest.is_finished() else end
    return Bar(last.run, (*spans, Span(last.dest, last.micros, stopped)))


def _steps(history: History) -> tuple[Step, ...]:
    return history.history if isinstance(history, Run) else tuple(history)
