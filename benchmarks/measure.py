"""Measure contenders in turn, in one process: a noisy machine is then noisy for all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

import attrs

__all__ = ["FULL", "QUICK", "Effort", "Figure", "Make", "Table", "Work", "repeat", "take_turns"]

Work = Callable[[int], object]  # repeats the timed work that many times, in its own loop
Make = Callable[[], Work]

_SCALES = {"s": 1.0, "ms": 1e3, "us": 1e6}
_MOST = 1_000_000  # calls a turn: more would measure memory


@attrs.frozen
class Effort:
    """How much work goes into a figure."""

    turns: int  # of each contender
    seconds: float  # about how long a turn takes
    share: float  # of the number of objects in a full benchmark

    def count(self, full: int) -> int:
        """How many objects to make where a full benchmark makes *full*."""
        return max(1, int(full * self.share))

    def times(self, full: int) -> int:
        """How often to repeat long work where a full benchmark repeats it *full* times."""
        return full if self is FULL else 1


FULL = Effort(turns=15, seconds=0.1, share=1.0)
QUICK = Effort(turns=2, seconds=0.001, share=0.01)


@attrs.frozen
class Figure:
    """The results of one contender, turn by turn."""

    name: str
    turns: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.turns)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles: half of the turns lie between them."""
        if len(self.turns) < 3:
            return min(self.turns), max(self.turns)
        quarters = statistics.quantiles(self.turns, n=4, method="inclusive")
        return quarters[0], quarters[2]


@attrs.frozen
class Table:
    """The figures of one question, and the contender that the others are compared with."""

    title: str
    unit: str
    figures: tuple[Figure, ...]
    against: str  # the name of a figure
    note: str = ""

    def figure(self, name: str) -> Figure | None:
        """The figure of this name; None if its contender was not there."""
        return next((each for each in self.figures if each.name == name), None)

    def ratio(self, name: str, against: str = "") -> float | None:
        """The ratio to the other: the median over the turns taken side by side."""
        figure, base = self.figure(name), self.figure(against or self.against)
        if figure is None or base is None:
            return None
        if len(figure.turns) != len(base.turns):
            return figure.median / base.median if base.median else None
        pairs = zip(figure.turns, base.turns, strict=True)
        ratios = [one / other for one, other in pairs if other]
        return statistics.median(ratios) if ratios else None


def take_turns(
    title: str,
    contenders: Mapping[str, Make],
    *,
    against: str,
    effort: Effort,
    per_call: int = 1,
    unit: str = "us",
    note: str = "",
    most: Mapping[str, int] | None = None,
) -> Table:
    """Time each contender in turn, over and over, with the garbage collector held back.

    Args:
        contenders: By name, what makes the work to be timed; making it is not timed.
        per_call: How many operations one call stands for.
        most: By name, calls a turn at most, for what grows with each.
    """
    limits = {name: (most or {}).get(name, _MOST) for name in contenders}
    calls = {name: _calls(make, effort, limits[name]) for name, make in contenders.items()}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(effort.turns):
        for name, make in contenders.items():
            seconds = _timed(make(), calls[name])
            taken[name].append(seconds * _SCALES[unit] / (calls[name] * per_call))
    figures = tuple(Figure(name, tuple(turns)) for name, turns in taken.items())
    return Table(title, unit, figures, against, note)


def repeat(
    title: str,
    contenders: Mapping[str, Callable[[], float]],
    *,
    against: str,
    unit: str,
    turns: int,
    note: str = "",
) -> Table:
    """Ask each contender for its figure in turn, *turns* times: for work that times itself."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, ask in contenders.items():
            taken[name].append(ask())
    figures = tuple(Figure(name, tuple(answers)) for name, answers in taken.items())
    return Table(title, unit, figures, against, note)


def _calls(make: Make, effort: Effort, most: int) -> int:
    """How many calls make a turn as long as asked; trying them also warms up."""
    calls = 1
    while True:
        seconds = _timed(make(), calls)
        if seconds >= effort.seconds / 4 or calls >= most:
            return max(1, min(most, round(calls * effort.seconds / max(seconds, 1e-9))))
        calls = min(most, calls * 4)


def _timed(work: Work, calls: int) -> float:
    gc.collect()
    gc.disable()
    try:
        begin = time.perf_counter()
        work(calls)
        return time.perf_counter() - begin
    finally:
        gc.enable()
