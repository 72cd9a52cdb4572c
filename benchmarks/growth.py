"""The cost of a step where the table is large."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from functools import cache, reduce
from operator import or_
from typing import Any

import attrs
import transitions

from fsm import Run, event
from states import State

from .measure import Effort, Figure, Make, Table, take_turns
from .subjects import Model

__all__ = ["tables"]

_SIZES = (10, 100, 1_000)


def tables(effort: Effort) -> Iterator[Table]:
    """A step around rings of states, and the cost of building their tables."""
    sizes = [size for size in _SIZES if effort.share == 1 or size < _SIZES[-1]]
    built = [_built(size) for size in sizes]
    contenders = {f"ours, {size:,} states": _around(ring(size)) for size in sizes}
    contenders |= {f"transitions, {size:,} states": _around_theirs(size) for size in sizes}
    yield take_turns(
        "a step in a large table",
        contenders,
        against=f"ours, {sizes[0]:,} states",
        effort=effort,
        note="one event that leads around a ring of all states",
    )
    yield Table(
        "make a table",
        "ms",
        tuple(built),
        built[0].name,
        "the class of runs and its machine, once; its state classes are there already",
    )


@cache
def classes(count: int) -> tuple[Any, ...]:
    """That many new state classes."""
    return tuple(
        attrs.frozen(type(f"Ring{count}At{index}", (State,), {"__module__": __name__}))
        for index in range(count)
    )


@cache
def ring(count: int) -> type[Any]:
    """A class of runs that go around a ring of that many states."""
    around = classes(count)
    rows = [
        event(dest, source=source)
        for source, dest in zip(around, around[1:] + around[:1], strict=True)
    ]
    body = {"__slots__": (), "initial": around[0], "go_on": reduce(or_, rows)}
    made: type[Any] = type(f"Ring{count}", (Run,), body)
    return made


def _built(count: int) -> Figure:
    classes(count)
    gc.collect()
    begin = time.perf_counter()
    ring(count)().go_on()
    return Figure(f"ours, {count:,} states", ((time.perf_counter() - begin) * 1e3,))


def _around(kind: Any) -> Make:
    def ready_to_work() -> Any:
        run = kind()

        def work(times: int) -> None:
            for _ in range(times):
                run.go_on()

        return work

    return ready_to_work


def _around_theirs(count: int) -> Make:
    names = [f"S{index}" for index in range(count)]
    rows = [
        {"trigger": "go_on", "source": source, "dest": dest}
        for source, dest in zip(names, names[1:] + names[:1], strict=True)
    ]
    model: Any = Model()
    transitions.Machine(model, states=names, transitions=rows, initial="S0", auto_transitions=False)
    return _around(lambda: model)
