"""The cost of creating one run, and whether the millionth costs more."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import fsm

from .handwritten import Slotted
from .measure import Effort, Figure, Make, Table, take_turns
from .peers import automat_class, installed, statemachine_class
from .subjects import FullModel, Ours, full_machine, full_model, task_model

__all__ = ["tables"]

_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_MOST = 2_000  # models on one machine: each takes longer to add than the one before


def tables(effort: Effort) -> Iterator[Table]:
    """One run, and up to a million."""
    yield _one(effort)
    yield from _many(effort)


def _one(effort: Effort) -> Table:
    def made(create: Callable[[], Any]) -> Make:
        def work(times: int) -> None:
            for _ in range(times):
                create()

        return lambda: work

    def shared() -> Callable[[int], None]:
        machine = full_machine()

        def work(times: int) -> None:
            for _ in range(times):
                machine.add_model(FullModel())

        return work

    contenders = {
        "hand-written": made(Slotted),
        "ours": made(Ours),
        "ours, TaskRun": made(fsm.TaskRun),
        "ours, TaskRun with an id and a policy": made(
            lambda: fsm.TaskRun("run-1", max_retries=3, retry_delay=60)
        ),
        "transitions, own machine": made(full_model),
        "transitions, own machine of TaskRun's table": made(task_model),
        "transitions, shared": shared,
    }
    if installed("automat"):
        contenders["automat"] = made(automat_class())
    if installed("statemachine"):
        contenders["python-statemachine"] = made(statemachine_class())
    return take_turns(
        "create a run",
        contenders,
        against="hand-written",
        effort=effort,
        most={"transitions, shared": _MOST},
        note="hand-written: a slotted object with the same fields, its lock included",
    )


def _many(effort: Effort) -> Iterator[Table]:
    """Each part up to the largest number, with and without the garbage collector."""
    contenders = {"hand-written": Slotted, "ours": Ours}
    for collecting in (True, False):
        taken: dict[str, list[list[float]]] = {name: [] for name in contenders}
        for turn in range(effort.times(3) + 1):
            for name, create in contenders.items():
                parts = _parts(create, effort, collecting=collecting)
                if turn:  # the first warms up
                    taken[name].append(parts)
        for name, turns in taken.items():
            figures = tuple(
                Figure(f"up to {size:,}", tuple(part))
                for size, part in zip(_SIZES, zip(*turns, strict=True), strict=True)
            )
            how = "at work" if collecting else "held back"
            note = f"per run, of those since the line above; garbage collector {how}"
            if effort.share != 1:
                note += f"; {effort.share:.0%} of the runs"
            title = f"create and keep, {name}, collector {how}"
            yield Table(title, "us", figures, f"up to {_SIZES[0]:,}", note)


def _parts(create: Callable[[], Any], effort: Effort, *, collecting: bool) -> list[float]:
    """Microseconds per run in each part."""
    held: list[Any] = []
    parts = []
    gc.collect()
    if not collecting:
        gc.disable()
    try:
        for size in map(effort.count, _SIZES):
            missing = max(1, size - len(held))
            begin = time.perf_counter()
            held += [create() for _ in range(missing)]
            parts.append((time.perf_counter() - begin) * 1e6 / missing)
    finally:
        gc.enable()
    return parts
