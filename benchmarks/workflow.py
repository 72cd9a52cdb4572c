"""Graphs of real workflows, with the time of tasks scaled to zero."""

from __future__ import annotations

import functools
import graphlib
import itertools
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from fsm import Runner, TaskRun, open_journal
from fsm.flow.gather import gather
from fsm.flow.node import Node

from .measure import Effort, Table, repeat

__all__ = ["tables"]

_SIZES = (1_000, 10_000)
_LEAST = 150  # tasks of the smallest workflow of each recipe
_RECIPES = ("Montage", "Epigenomics", "Blast")
_WORKERS = 4

Above = Mapping[str, Sequence[str]]


def tables(effort: Effort) -> Iterator[Table]:
    """Each recipe at each size; on a disk only the smaller, where syncs dominate."""
    for recipe, size in itertools.product(_RECIPES, _SIZES):
        above = workflow(recipe, effort.count(size))
        contenders = {
            "threads and graphlib": by_hand,
            "ours, no journal": ours,
            "ours, memory": in_memory,
        }
        if size == _SIZES[0]:
            contenders["ours, SQLite"] = in_sqlite
        edges = sum(map(len, above.values()))
        yield repeat(
            f"{recipe}, {size:,} tasks",
            {name: functools.partial(_timed, work, above) for name, work in contenders.items()},
            against="threads and graphlib",
            unit="us",
            turns=effort.times(5),
            note=f"{len(above):,} tasks, {edges:,} edges; per task, {_WORKERS} workers",
        )


@functools.cache
def workflow(recipe: str, size: int) -> Above:
    """A workflow of about *size* tasks, each with those before it; the same every time."""
    import numpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what only drawing needs
        from wfcommons import WorkflowGenerator
        from wfcommons.wfchef import recipes

        random.seed(7)
        numpy.random.seed(7)
        kind = getattr(recipes, f"{recipe}Recipe")
        made = WorkflowGenerator(kind.from_num_tasks(max(size, _LEAST))).build_workflow()
    return {name: tuple(made.predecessors(name)) for name in made.nodes}


def by_hand(above: Above) -> int:
    """The simplest solution by hand: a pool, and the graph in the order of graphlib."""
    order = graphlib.TopologicalSorter(above)
    order.prepare()
    done = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        working: dict[Future[int], str] = {}
        while order.is_active():
            for name in order.get_ready():
                working[pool.submit(_task)] = name
            ready, _ = wait(working, return_when=FIRST_COMPLETED)
            for future in ready:
                done += future.result()
                order.done(working.pop(future))
    return done


def ours(above: Above, run: TaskRun | None = None) -> int:
    """The same, each task a run."""
    nodes = {name: Node(_task, after=names) for name, names in above.items()}
    with Runner(workers=_WORKERS) as runner:
        state = gather(nodes, run=run, runner=runner)
    assert state.is_successful(), state
    return len(nodes)


def in_memory(above: Above) -> int:
    """The same, in a journal in memory."""
    with open_journal("memory:") as journal:
        return ours(above, TaskRun(journal=journal))


def in_sqlite(above: Above) -> int:
    """The same, with each step synced to the disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_journal(f"sqlite:///{Path(folder, 'runs.db')}") as journal,
    ):
        return ours(above, TaskRun(journal=journal))


def _task() -> int:
    return 1


def _timed(work: Callable[[Above], int], above: Above) -> float:
    begin = time.perf_counter()
    done = work(above)
    assert done == len(above)
    return (time.perf_counter() - begin) * 1e6 / done
