"""Focus: the path of a run is brought to the front."""

from __future__ import annotations

from fsm import Run, TaskRun, event
from fsm.diagrams import graph
from fsm.diagrams.graph_model import Cluster, StateGraph
from fsm.diagrams.svg_drawing.focus import focus
from states import Pending, Running


class Short(Run):
    """Two states in no cluster."""

    start = event(Running, source=Pending)


def boxes(shown: StateGraph) -> dict[str, list[str]]:
    """The states in each box."""
    return {cluster.name: [node.name for node in cluster.nodes] for cluster in shown.clusters}


def test_the_visited_states_are_in_one_box(run: TaskRun) -> None:
    found = boxes(focus(graph(run)))

    assert found["TaskRun load"] == [
        "Pending", "Retrying", "Submitted", "Running", "Looped", "Success", "Failed"
    ]  # fmt: skip


def test_the_other_states_of_a_cluster_stay_together(run: TaskRun) -> None:
    found = boxes(focus(graph(run)))

    assert found["Pending family"] == ["Scheduled", "Paused", "Resume"]


def test_each_state_is_shown_once(run: TaskRun) -> None:
    shown = focus(graph(run))

    names = [node.name for part in (*shown.clusters, shown) for node in part.nodes]
    unclustered = {node.name for node in shown.unclustered}

    assert {name for name in names if names.count(name) == 1} == unclustered


def test_the_edges_that_were_taken_are_unchanged(run: TaskRun) -> None:
    before, after = graph(run), focus(graph(run))

    assert [edge for edge in after.edges if edge.taken] == [
        edge for edge in before.edges if edge.taken
    ]


def test_the_other_edges_lead_from_border_to_border(run: TaskRun) -> None:
    shown = focus(graph(run))

    for edge in shown.edges:
        if not edge.taken and shown.cluster_around(edge) is None:
            assert all(
                isinstance(end, Cluster) or end in shown.unclustered
                for end in (edge.source, edge.dest)
            )


def test_each_event_is_still_shown(run: TaskRun) -> None:
    events = {label.event for edge in focus(graph(run)).edges for label in edge.labels}

    assert events == set(TaskRun.lifecycle.events)


def test_a_run_that_visited_every_state_has_no_box() -> None:
    run = Short("short")
    run.start()

    assert focus(graph(run)).clusters == ()


def test_sparse_leaves_out_the_other_edges_between_visited_states(run: TaskRun) -> None:
    sparse = focus(graph(run), sparse=True)

    between = [
        edge
        for edge in sparse.edges
        if all(node.visits for node in (*edge.source.nodes, *edge.dest.nodes))
    ]

    assert all(edge.taken for edge in between)
    assert len(sparse.edges) < len(focus(graph(run)).edges)
