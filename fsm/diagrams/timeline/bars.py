"""Bar: a run's history as spans of time, and the spans as cells of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import attrs

from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.run.run import Run

from .style import Look, look_of

__all__ = ["Bar", "History", "Span", "bars", "cells"]

_NOTABLE = ("failed", "retrying")

History = Run | Sequence[Step] | Sequence[Record]


@attrs.frozen(eq=False)
class Span:
    """How long a run was in one state, in microseconds since 1970."""

    look: Look
    began: int
    ended: int  # where it began, for the end of a run; when the picture ends, if it is there still
    attempt: int = 0  # the run was in; 0 before the first


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
    def attempts(self) -> int:
        """How often it was tried; what is resumed, loops or is rescued is the same attempt."""
        return self.spans[-1].attempt

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

    Where a clock went back, time stands still until it is where it was.

    Args:
        histories: Runs, or their steps, or these as a journal keeps them.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
        kinds: By its id, what a run is a run of, where only its steps are given.
    """
    named = kinds or {}
    moved = [(kind, steps) for kind, steps in map(_steps, histories) if steps]
    ends = [max(step.micros for step in steps) for _, steps in moved]
    end = max([*ends, until] if until is not None else ends, default=0)
    looks: dict[object, Look] = {}  # a state is asked once what it looks like
    made = (_bar(steps, end, kind or named.get(steps[0].run, ""), looks) for kind, steps in moved)
    return sorted(made, key=lambda bar: (bar.began, bar.name))


def cells(bar: Bar, began: int, ended: int, width: int) -> list[Look | None]:
    """Return for each of *width* cells the state it shows; None before the run and after its end.

    That is where the run was longest; but of a failure, and of the wait after it, each has a cell,
    so that the shortest retry is seen. The end of a run takes the cell after it, where there is
    one.
    """
    spread = max(ended - began, 1)
    over = bar.spans[-1] if bar.last.final and len(bar.spans) > 1 else None
    lasting = [span for span in bar.spans if span is not over]
    spent: list[dict[Look, int]] = [{} for _ in range(width)]
    for span in lasting:
        for cell in _place(span, began, spread, width):
            starts, ends = (began * width + each * spread for each in (cell, cell + 1))
            shared = min(span.ended * width, ends) - max(span.began * width, starts)
            if shared > 0 or span.ended == span.began:
                spent[cell][span.look] = spent[cell].get(span.look, 0) + max(shared, 1)
    shown = [max(looks, key=lambda look: looks[look]) if looks else None for looks in spent]
    for span in sorted(lasting, key=lambda span: span.began - span.ended):
        place = _place(span, began, spread, width)
        if span.look.kind in _NOTABLE and all(shown[cell] != span.look for cell in place):
            shown[place[0]] = span.look
    if over is not None:
        first = _place(over, began, spread, width)[0]
        free = [cell for cell in range(first, min(first + 2, width)) if shown[cell] is None]
        if free:
            shown[free[0]] = over.look
    return shown


def _place(span: Span, began: int, spread: int, width: int) -> range:
    """The cells a span touches."""
    first, last = ((at - began) * width // spread for at in (span.began, span.ended))
    return range(min(first, width - 1), min(last, width - 1) + 1)


def _bar(
    steps: Sequence[Step] | Sequence[Record], end: int, kind: str, looks: dict[object, Look]
) -> Bar:
    shown, events = [], []
    for step in steps:
        key = type(step.dest) if isinstance(step, Step) else step.dest
        if key not in looks:
            looks[key] = look_of(step)
        shown.append(looks[key])
        events.append(step.event)
    times = list(accumulate((step.micros for step in steps), max))
    ends = [*times[1:], times[-1] if shown[-1].final else end]
    return Bar(steps[-1].run, tuple(map(Span, shown, times, ends, _attempts(shown, events))), kind)


def _attempts(looks: Sequence[Look], events: Sequence[str]) -> Iterator[int]:
    """Which attempt each state belongs to: another begins where it goes on after a failure."""
    attempt, before, anew = 0, "", True
    for look, event in zip(looks, events, strict=True):
        failed = look.kind == "failed"
        if anew and (look.kind == "running" or (failed and before != "failed")):
            attempt += 1
            anew = False
        if failed or (look.kind == "retrying" and event != "rescue"):
            anew = True
        before = look.kind
        yield attempt


def _steps(history: History) -> tuple[str, Sequence[Step] | Sequence[Record]]:
    if isinstance(history, Run):
        return type(history).__name__, history.history
    return "", history
