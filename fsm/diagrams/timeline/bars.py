"""Bars: the history of a run as spans of time, and the spans as cells of a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import attrs

from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.run.run import Run
from fsm.tasks.attempts import RETRYING, Attempt, attempt_of

from .style import StateStyle, style_of

__all__ = ["Bar", "History", "Span", "bars", "cells"]

_NOTABLE = ("failed", "retrying")

History = Run | Sequence[Step] | Sequence[Record]


@attrs.frozen(eq=False)
class Span:
    """How long a run was in one state, in microseconds since 1970."""

    style: StateStyle
    began: int
    ended: int  # as `began` for a final state; the end of the picture for the present state
    attempt: int = 0  # which attempt of the run it belongs to; 0 before the first


@attrs.frozen(eq=False)
class Bar:
    """One run over time."""

    name: str
    spans: tuple[Span, ...]
    kind: str = ""  # the kind of run, such as the name of its class

    @property
    def began(self) -> int:
        """When its first step was made, in microseconds since 1970."""
        return self.spans[0].began

    @property
    def ended(self) -> int:
        """When its last state ended, in microseconds since 1970."""
        return self.spans[-1].ended

    @property
    def attempts(self) -> int:
        """How often it was tried; what is resumed, loops or is rescued is the same attempt."""
        return self.spans[-1].attempt

    @property
    def last(self) -> StateStyle:
        """The state that it is in."""
        return self.spans[-1].style


def bars(
    histories: Iterable[History],
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> list[Bar]:
    """Return the bars of all runs that have moved, in the order in which they began.

    A step whose clock went back is drawn at the time of the step before it.

    Args:
        histories: Runs, or their steps, or their records in a journal.
        until: When the picture ends, in microseconds since 1970; by default with the last step.
        kinds: The kind of each run by its id, where only steps or records are given.
    """
    known = kinds or {}
    moved = [(kind, steps) for kind, steps in map(_steps, histories) if steps]
    ends = [max(step.micros for step in steps) for _, steps in moved]
    end = max([*ends, until] if until is not None else ends, default=0)
    styles: dict[object, StateStyle] = {}  # by class or name, so that each is computed once
    found = (_bar(steps, end, kind or known.get(steps[0].run, ""), styles) for kind, steps in moved)
    return sorted(found, key=lambda bar: (bar.began, bar.name))


def cells(bar: Bar, began: int, ended: int, width: int) -> list[StateStyle | None]:
    """Return the state that each of *width* cells shows; None before the run and after its end.

    A cell shows the state in which the run was longest. Failures and the waits after them have a
    cell each, however short, so that every retry can be seen. The final state takes the cell after
    the run, where there is one.

    Args:
        bar: The run.
        began: When the line begins, in microseconds since 1970.
        ended: When the line ends, likewise.
        width: The number of cells.
    """
    spread = max(ended - began, 1)
    over = bar.spans[-1] if bar.last.final and len(bar.spans) > 1 else None
    lasting = [span for span in bar.spans if span is not over]
    spent: list[dict[StateStyle, int]] = [{} for _ in range(width)]
    for span in lasting:
        for cell in _cells(span, began, spread, width):
            starts, ends = (began * width + each * spread for each in (cell, cell + 1))
            shared = min(span.ended * width, ends) - max(span.began * width, starts)
            if shared > 0 or span.ended == span.began:
                spent[cell][span.style] = spent[cell].get(span.style, 0) + max(shared, 1)
    shown = [max(times, key=lambda style: times[style]) if times else None for times in spent]
    for span in sorted(lasting, key=lambda span: span.began - span.ended):
        touched = _cells(span, began, spread, width)
        if span.style.kind in _NOTABLE and all(shown[cell] != span.style for cell in touched):
            shown[touched[0]] = span.style
    if over is not None:
        first = _cells(over, began, spread, width)[0]
        free = [cell for cell in range(first, min(first + 2, width)) if shown[cell] is None]
        if free:
            shown[free[0]] = over.style
    return shown


def _cells(span: Span, began: int, spread: int, width: int) -> range:
    """The cells that a span touches."""
    first, last = ((at - began) * width // spread for at in (span.began, span.ended))
    return range(min(first, width - 1), min(last, width - 1) + 1)


def _bar(
    steps: Sequence[Step] | Sequence[Record], end: int, kind: str, styles: dict[object, StateStyle]
) -> Bar:
    shown, numbers, attempt = [], [], Attempt()
    for step in steps:
        key = type(step.dest) if isinstance(step, Step) else step.dest
        if key not in styles:
            styles[key] = style_of(step)
        style = styles[key]
        run_count = _run_count(step) if style.kind == RETRYING else None
        attempt = attempt.after(style.kind, run_count)
        rescued = step.event == "rescue" and run_count is not None
        shown.append(style)
        numbers.append(attempt_of(attempt.number, rescued=rescued))
    times = list(accumulate((step.micros for step in steps), max))
    ends = [*times[1:], times[-1] if shown[-1].final else end]
    return Bar(steps[-1].run, tuple(map(Span, shown, times, ends, numbers)), kind)


def _run_count(step: Step | Record) -> int | None:
    """The number of attempts that a retrying state carries; None if it cannot be read."""
    if isinstance(step, Step):
        value = getattr(step.dest, "run_count", None)
    else:
        try:
            payload = json.loads(step.payload)
        except (ValueError, RecursionError):
            return None
        value = payload.get("run_count") if isinstance(payload, dict) else None
    return value if type(value) is int else None


def _steps(history: History) -> tuple[str, Sequence[Step] | Sequence[Record]]:
    if isinstance(history, Run):
        return type(history).__name__, history.history
    return "", history
