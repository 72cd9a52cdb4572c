"""The memory of a live run, by tracemalloc and by the growth of the process."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fsm import TaskRun

from . import handwritten
from .child import in_child
from .measure import Effort, Figure, Table
from .peers import automat_class, installed, statemachine_class
from .subjects import FullModel, Ours, full_machine, full_model, listen, task_model

__all__ = ["resident", "tables", "traced"]

_COUNTS = {  # objects to make: fewer where one takes long
    "transitions, own machine": 500,
    "transitions, own machine of TaskRun's table": 300,
    "transitions, shared": 2_000,
    "python-statemachine": 500,
    "ours, one listener": 20_000,
    "automat": 20_000,
}
_COUNT = 100_000


def tables(effort: Effort) -> Iterator[Table]:
    """Both measurements."""
    names = [name for name in makers() if _is_there(name)]
    for title, function, note in (
        ("memory, traced", "traced", "per run, by tracemalloc; the list that holds them is not in"),
        ("memory, resident", "resident", "per run, as its process grows; a page counts as a whole"),
    ):
        counts = {name: effort.count(_COUNTS.get(name, _COUNT)) for name in names}
        turns = [_turn(function, counts, effort) for _ in range(effort.times(3))]
        figures = tuple(Figure(name, tuple(turn[name] for turn in turns)) for name in turns[0])
        if figures:
            yield Table(title, "bytes", figures, "hand-written", note)


def _turn(function: str, counts: dict[str, int], effort: Effort) -> dict[str, float]:
    """Measure each contender in a fresh process, or all in one where it makes no difference."""
    if effort.share != 1:
        return dict(in_child("memory", function, counts=counts))
    answers: dict[str, float] = {}
    for name, count in counts.items():
        answers |= in_child("memory", function, counts={name: count})
    return answers


def makers() -> dict[str, Callable[[], Callable[[], Any]]]:
    """By name of the contender: a function that returns a factory of live objects."""
    return {
        "hand-written": lambda: handwritten.Slotted,
        "hand-written, one step": _handwritten_stepped,
        "ours": lambda: Ours,
        "ours, state looked at": lambda: _looked_at,
        "ours, one step": lambda: _stepped,
        "ours, one listener": lambda: _listened,
        "ours, TaskRun": lambda: TaskRun,
        "transitions, own machine": lambda: full_model,
        "transitions, own machine of TaskRun's table": lambda: task_model,
        "transitions, shared": _shared,
        "automat": lambda: automat_class(),
        "python-statemachine": lambda: statemachine_class(),
    }


def _is_there(name: str) -> bool:
    peers = {"automat": "automat", "python-statemachine": "statemachine"}
    return name not in peers or installed(peers[name])


def _handwritten_stepped() -> Callable[[], Any]:
    count = itertools.count(1)

    def make() -> handwritten.Bare:
        run = handwritten.Bare(f"run-{next(count):06d}")
        run.begin(message="half way")
        return run

    return make


def _looked_at() -> Ours:
    run = Ours()
    assert run.state.is_pending()
    assert run.id
    return run


def _stepped() -> Ours:
    run = Ours()
    run.begin(message="half way")
    return run


def _listened() -> Ours:
    run = Ours()
    run.after(listen)
    return run


def _shared() -> Callable[[], Any]:
    machine = full_machine()

    def make() -> FullModel:
        model = FullModel()
        machine.add_model(model)
        return model

    return make


def traced(counts: dict[str, int]) -> dict[str, float]:
    """Bytes per live object that Python's allocators gave out."""
    return {name: _traced(name, count) for name, count in counts.items()}


def _traced(name: str, count: int) -> float:
    make = makers()[name]()
    held: list[Any] = [make() for _ in range(10)]  # so that what is made once for all is made now
    held = [None] * count
    gc.collect()
    tracemalloc.start()
    for index in range(count):
        held[index] = make()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / count


def resident(counts: dict[str, int]) -> dict[str, float]:
    """Bytes per live object by which the process grew; nothing where there is no /proc."""
    if resident_bytes() is None:
        return {}
    return {name: _resident(name, count) for name, count in counts.items()}


def _resident(name: str, count: int) -> float:
    make = makers()[name]()
    held: list[Any] = [make() for _ in range(10)]
    held = [None] * count
    gc.collect()
    before = resident_bytes() or 0
    for index in range(count):
        held[index] = make()
    gc.collect()
    return ((resident_bytes() or 0) - before) / count


def resident_bytes() -> int | None:
    """Bytes of memory of the process now; None where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
