"""A million live runs in one process, with one step each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

from fsm import TaskRun

from .child import in_child
from .handwritten import Bare
from .measure import Effort, Table, repeat
from .memory import resident_bytes

__all__ = ["live", "tables"]

_COUNT = 1_000_000
_QUESTIONS = {  # the answers of a child process, with unit and meaning
    "create": ("us", "per run, garbage collector at work"),
    "step": ("us", "per run: its first step"),
    "resident": ("MB", "of the whole process, with one step each"),
    "pause": ("ms", "the longest time the garbage collector took at once"),
    "collecting": ("%", "of the time was the garbage collector's"),
}


def tables(effort: Effort) -> Iterator[Table]:
    """A process for each contender and turn, which answers all questions."""
    count = effort.count(_COUNT)
    turns = effort.times(3)
    answers: dict[str, list[dict[str, float]]] = {"hand-written": [], "ours": []}
    for _ in range(turns):
        for name, kept in answers.items():
            kept.append(in_child("million", "live", name=name, count=count))
    for question, (unit, note) in _QUESTIONS.items():
        told = {name: iter(kept) for name, kept in answers.items()}
        if any(question not in answer for kept in answers.values() for answer in kept):
            continue
        yield repeat(
            f"{count:,} live runs: {question}" if effort.share != 1 else f"a million: {question}",
            {name: _telling(kept, question) for name, kept in told.items()},
            against="hand-written",
            unit=unit,
            turns=turns,
            note=note,
        )


def _telling(answers: Iterator[dict[str, float]], question: str) -> Callable[[], float]:
    return lambda: next(answers)[question]


def live(name: str, count: int) -> dict[str, float]:
    """Make that many runs, let each make a step, and return the times and the memory."""
    make: Callable[[int], Any] = (
        (lambda _: TaskRun()) if name == "ours" else (lambda index: Bare(f"run-{index:06d}"))
    )
    step: Callable[[Any], object] = (
        (lambda run: run.start()) if name == "ours" else (lambda run: run.begin("Starting."))
    )
    step(make(0))
    pauses = _Pauses()
    begin = time.perf_counter()
    runs = [make(index) for index in range(count)]
    created = time.perf_counter()
    for run in runs:
        step(run)
    stepped = time.perf_counter()
    gc.collect()
    answers = {
        "create": (created - begin) * 1e6 / count,
        "step": (stepped - created) * 1e6 / count,
        "pause": max(pauses.seconds) * 1e3,
        "collecting": sum(pauses.seconds[:-1]) / (stepped - begin) * 100,
    }
    resident = resident_bytes()
    return answers if resident is None else answers | {"resident": resident / 1e6}


class _Pauses:
    """How long each collection took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begin = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._begin = time.perf_counter()
        else:
            self.seconds.append(time.perf_counter() - self._begin)
