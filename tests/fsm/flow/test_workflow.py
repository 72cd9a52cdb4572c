"""Recorded workflows of real systems, performed with their times scaled to zero."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy
import pytest

from fsm import MemoryJournal, Runner, TaskRun
from fsm.flow.gather import gather
from fsm.flow.node import Node
from states import Success

Above = Mapping[str, Sequence[str]]


def workflow(recipe: str, size: int, seed: int) -> Above:
    """Its tasks by name, each with those it comes after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what only drawing needs
        from wfcommons import WorkflowGenerator
        from wfcommons.wfchef import recipes

        random.seed(seed)
        numpy.random.seed(seed)  # not ours: the one that it asks
        kind = getattr(recipes, f"{recipe}Recipe")
        made = WorkflowGenerator(kind.from_num_tasks(size)).build_workflow()
    return {name: tuple(made.predecessors(name)) for name in made.nodes}


@pytest.mark.parametrize(
    ("recipe", "size"),
    [("Montage", 1_000), ("Epigenomics", 1_000), ("Blast", 200), ("Genome", 300)],
)
def test_each_task_of_a_workflow_runs_once_after_all_those_above(recipe: str, size: int) -> None:
    above = workflow(recipe, size, seed=7)
    count = itertools.count()
    began: dict[str, list[int]] = {name: [] for name in above}
    ended: dict[str, list[int]] = {name: [] for name in above}

    def task(name: str) -> Callable[[], None]:
        def called() -> None:
            began[name].append(next(count))
            ended[name].append(next(count))

        return called

    journal = MemoryJournal()
    nodes = {name: Node(task(name), after=names) for name, names in above.items()}

    with Runner(workers=8) as runner:
        state = gather(nodes, run=TaskRun("w", journal=journal), runner=runner)

    assert type(state) is Success
    assert size * 0.9 < len(above) <= size
    assert all(len(each) == 1 for each in ended.values())
    for name, names in above.items():
        assert all(ended[each][0] < began[name][0] for each in names)
    assert {row.state for row in journal.runs()} == {"Success"}
    assert len(list(journal.runs())) == len(above) + 1
