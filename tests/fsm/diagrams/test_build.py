"""The graph of a lifecycle, of a run, and of inheritance."""

from __future__ import annotations

from typing import Any

import pytest

from fsm import Run, TaskRun
from fsm.diagrams import graph, inheritance
from fsm.errors import InvalidArgument
from states import (
    Failed,
    Finished,
    Success,
)


def edges_of(cls: type[Run]) -> set[tuple[str, str, str, str]]:
    """The edges of the lifecycle, by name."""
    return {
        (edge.source.__name__, edge.event, edge.row.label, edge.dest.__name__)
        for edge in cls.lifecycle.edges
    }


def test_initial_and_final_states_are_marked() -> None:
    shown = graph(TaskRun)

    assert [node.name for node in shown.nodes if node.initial] == ["Pending"]
    assert [node.name for node in shown.nodes if node.final] == ["Finished", "Skipped", "Cancelled"]


def test_the_graph_of_a_run_marks_its_state(run: TaskRun) -> None:
    assert [node.name for node in graph(run).nodes if node.current] == ["Success"]


def test_the_graph_of_a_run_counts_visits(run: TaskRun) -> None:
    visits = {node.name: node.visits for node in graph(run).nodes if node.visits}

    assert visits == {
        "Pending": 3,
        "Submitted": 1,
        "Running": 5,
        "Failed": 2,
        "Retrying": 2,
        "Looped": 2,
        "Success": 1,
    }


def test_the_graph_of_a_run_numbers_its_steps(run: TaskRun) -> None:
    steps = [step for edge in graph(run).edges for label in edge.labels for step in label.steps]

    assert sorted(steps) == [step.seq for step in run.history]


def test_a_run_that_has_not_moved_is_in_its_initial_state() -> None:
    path = graph(TaskRun("new")).path()

    assert [(node.name, node.current) for node in path.nodes] == [("Pending", True)]
    assert path.edges == ()


def test_the_graph_of_a_run_shows_every_edge(run: TaskRun) -> None:
    assert {edge[:2] for edge in graph(run).expand()} == {edge[:2] for edge in edges_of(TaskRun)}


def test_a_lifecycle_and_its_class_have_the_same_graph() -> None:
    assert graph(TaskRun.lifecycle) == graph(TaskRun)


def test_the_graph_of_a_graph_is_itself() -> None:
    shown = graph(TaskRun)

    assert graph(shown) is shown


def test_inheritance_leads_from_each_parent_to_its_children() -> None:
    pairs = {(edge.source.name, edge.dest.name) for edge in inheritance().edges}

    assert pairs >= {("State", "Pending"), ("Scheduled", "Retrying"), ("Success", "Cached")}
    assert ("State", "Submitted") in pairs  # the private base between them is left out


def test_inheritance_begins_at_the_given_class() -> None:
    shown = graph(Success)

    assert shown.nodes[0].name == "Success"
    assert {edge.source.name for edge in shown.edges} == {"Success"}


@pytest.mark.parametrize("other", [None, "TaskRun", 3, int, Finished(), Failed.color])
def test_a_graph_of_anything_else_is_refused(other: Any) -> None:
    with pytest.raises(InvalidArgument, match="a diagram is drawn of a Run class"):
        graph(other)
