"""Measure: contenders take turns in one process, so that a noisy machine is noisy for all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

import attrs

__all__ = ["Figure", "Table", "take_turns"]

Work = Callable[[], object]


@attrs.frozen
class Figure:
    """What one contender needed, in one unit: the median of its turns, and their spread."""

    name: str
    median: float
    low: float
    high: float


@attrs.frozen
class Table:
    """Figures of one question, and the contender the others are held against."""

    title: str
    unit: str
    figures: tuple[Figure, ...]
    against: str  # the name of a figure
    note: str = ""

    def ratio(self, figure: Figure) -> float:
        """How many times the figure it is held against."""
        base = next(each for each in self.figures if each.name == self.against)
        return figure.median / base.median if base.median else float("inf")


def take_turns(
    title: str,
    contenders: Mapping[str, Callable[[], Work]],
    *,
    against: str,
    calls: int,
    per_call: int = 1,
    turns: int = 9,
    unit: str = "us",
    note: str = "",
) -> Table:
    """Time each contender's work *calls* times a turn, in turn, *turns* times over.

    Args:
        contenders: By name, what makes the work to be timed; making it is not timed.
        per_call: How many operations one call stands for.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit] / (calls * per_call)
    for turn in range(turns + 1):
        for name, make in contenders.items():
            work = make()
            gc.collect()
            gc.disable()
            begin = time.perf_counter()
            for _ in range(calls):
                work()
            passed = time.perf_counter() - begin
            gc.enable()
            if turn:  # the first warms up
                taken[name].append(passed * scale)
    figures = tuple(
        Figure(name, statistics.median(times), min(times), max(times))
        for name, times in taken.items()
    )
    return Table(title, unit, figures, against, note)
