"""Draw a lifecycle and the path of a run as Mermaid."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from transitions.extensions import GraphMachine

from fsm import TaskRun
from fsm.diagrams import mermaid

from .measure import Effort, Make, Table, take_turns
from .subjects import Model, task_machine

__all__ = ["tables"]


def tables(effort: Effort) -> Iterator[Table]:
    """Draw the table of TaskRun with fsm and with `transitions`, and one run of it."""
    run = TaskRun("run-1", max_retries=2)
    run.start()
    run.fail(message="no network")
    run.retry()
    model: Any = Model()

    machine = task_machine(functools.partial(GraphMachine, graph_engine="mermaid"), model)
    contenders = {
        "transitions, the table": _repeat(
            lambda: machine.get_combined_graph(force_new=True).source
        ),
        "ours, the table": _repeat(lambda: mermaid(TaskRun)),
        "ours, a run": _repeat(lambda: mermaid(run)),
    }
    yield take_turns(
        "a mermaid diagram",
        contenders,
        against="transitions, the table",
        effort=effort,
        unit="ms",
        note="of TaskRun's 20 states; transitions draws each edge, ours bundles edges",
    )


def _repeat(draw: Callable[[], object]) -> Make:
    def work(times: int) -> None:
        for _ in range(times):
            draw()

    return lambda: work
