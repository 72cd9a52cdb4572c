"""A mapped run and its children."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from fsm import TaskRun

from .handwritten import MappedRun
from .measure import Effort, Figure, Table

__all__ = ["tables"]

_SIZES = (1_000, 10_000, 100_000)
_PARTS = {
    "children": "create each, start it, let it succeed with a result",
    "map": "the parent takes the children's states",
    "results": "read the results from the parent",
    "all": "children, map and results",
}


def tables(effort: Effort) -> Iterator[Table]:
    """Each part at the largest size, then the growth of the whole."""
    contenders = {"hand-written": by_hand, "ours": ours}
    taken: dict[tuple[str, int], list[dict[str, float]]] = {}
    for size in _SIZES:
        for turn in range(effort.times(5) + 1):
            for name, fan_out in contenders.items():
                parts = _parts(fan_out, effort.count(size))
                if turn:  # the first warms up
                    taken.setdefault((name, size), []).append(parts)
    largest = _SIZES[-1]
    for part, note in _PARTS.items():
        figures = (_figure(name, part, taken[name, largest]) for name in contenders)
        yield Table(f"fan-out: {part}", "us", tuple(figures), "hand-written", f"{note}; per child")
    for name in contenders:
        sizes = tuple(_figure(f"{size:,}", "all", taken[name, size]) for size in _SIZES)
        yield Table(f"fan-out grows, {name}", "us", sizes, f"{_SIZES[0]:,}", "all, per child")


def _figure(name: str, part: str, turns: list[dict[str, float]]) -> Figure:
    return Figure(name, tuple(parts[part] for parts in turns))


def _parts(fan_out: Callable[[int], Iterator[object]], count: int) -> dict[str, float]:
    """Microseconds per child of each part, with the garbage collector held back."""
    gc.collect()
    gc.disable()
    try:
        times = [time.perf_counter()]
        held = []
        for made in fan_out(count):
            times.append(time.perf_counter())
            held.append(made)
    finally:
        gc.enable()
    passed = [after - before for before, after in itertools.pairwise(times)]
    passed.append(sum(passed))
    return {part: each * 1e6 / count for part, each in zip(_PARTS, passed, strict=True)}


def ours(count: int) -> Iterator[Any]:
    """Fan out with TaskRuns; stops after each part."""
    children = [TaskRun() for _ in range(count)]
    for index, child in enumerate(children):
        child.start()
        child.succeed(result=index)
    yield children
    parent = TaskRun()
    yield parent.map(map_states=[child.state for child in children])
    yield parent.state.result


def by_hand(count: int) -> Iterator[Any]:
    """Fan out by hand; stops after each part."""
    children = [MappedRun(f"run-{index:06d}") for index in range(count)]
    for index, child in enumerate(children):
        child.begin("Starting task run.")
        child.back("Task run succeeded.", result=index)
    yield children
    parent = MappedRun("run")
    message = f"Preparing to submit {count} mapped tasks."
    yield parent.map([child.state for child in children], message)
    yield parent.state.result
