"""Front: a run's path before all else."""

from __future__ import annotations

from fsm import Run, TaskRun, event
from fsm.diagrams import graph
from fsm.diagrams.graph_model import Cluster, Graph
from fsm.diagrams.svg_drawing.focus import front
from states import Pending, Running


class Short(Run):
    """Two states, of one family each."""

    start = event(Running, source=Pending)


def boxes(shown: Graph) -> dict[str, list[str]]:
    """What is in which box."""
    return {cluster.name: [node.name for node in cluster.nodes] for cluster in shown.clusters}


def test_where_a_run_was_is_one_box(run: TaskRun) -> None:
    found = boxes(front(graph(run)))

    assert found["TaskRun load"] == [
        "Pending", "Retrying", "Submitted", "Running", "Looped", "Success", "Failed"
    ]  # fmt: skip


def test_what_is_left_of_a_family_stays_together(run: TaskRun) -> None:
    found = boxes(front(graph(run)))

    assert found["Pending family"] == ["Scheduled", "Paused", "Resume"]


def test_each_state_is_still_there_once(run: TaskRun) -> None:
    shown = front(graph(run))

    names = [node.name for part in (*shown.clusters, shown) for node in part.nodes]
    loose = {node.name for node in shown.loose}

    assert {name for name in names if names.count(name) == 1} == loose


def test_what_it_did_is_unchanged(run: TaskRun) -> None:
    before, after = graph(run), front(graph(run))

    assert [edge for edge in after.edges if edge.taken] == [
        edge for edge in before.edges if edge.taken
    ]


def test_what_it_did_not_do_leads_from_border_to_border(run: TaskRun) -> None:
    shown = front(graph(run))

    for edge in shown.edges:
        if not edge.taken and shown.boxed(edge) is None:
            assert all(
                isinstance(end, Cluster) or end in shown.loose for end in (edge.source, edge.dest)
            )


def test_each_event_is_still_told(run: TaskRun) -> None:
    told = {label.event for edge in front(graph(run)).edges for label in edge.labels}

    assert told == set(TaskRun.lifecycle.events)


def test_a_run_that_was_everywhere_needs_no_box() -> None:
    run = Short("short")
    run.start()

    assert front(graph(run)).clusters == ()


def test_a_sparse_one_leaves_out_what_it_did_not_do_between_where_it_was(run: TaskRun) -> None:
    sparse = front(graph(run), sparse=True)

    between = [
        edge
        for edge in sparse.edges
        if all(node.visits for node in (*edge.source.nodes, *edge.dest.nodes))
    ]

    assert all(edge.taken for edge in between)
    assert len(sparse.edges) < len(front(graph(run)).edges)
