"""Clusters of states, and edges that are bundled without loss."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from fsm import Run, TaskRun, event, internal
from fsm.diagrams import graph
from fsm.diagrams.clusters import TableEdge, bundle_edges
from fsm.diagrams.graph_model import Cluster, GraphNode, StateGraph
from states import (
    Failed,
    Finished,
    Pending,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
    TimedOut,
)


def edges_of(cls: type[Run]) -> set[tuple[str, str, str, str]]:
    """The edges of the lifecycle, by name."""
    return {
        (edge.source.__name__, edge.event, edge.row.label, edge.dest.__name__)
        for edge in cls.lifecycle.edges
    }


def clusters(shown: StateGraph) -> dict[str, list[str]]:
    """The members of each cluster, by name."""
    return {cluster.name: [node.name for node in cluster.nodes] for cluster in shown.clusters}


names = st.integers(0, 9).map(str)


@given(
    parts=st.lists(names, min_size=10, max_size=10),
    table=st.sets(
        st.builds(TableEdge, names, st.sampled_from("ab"), st.sampled_from(["", "[g]"]), names)
    ),
)
def test_bundled_edges_expand_to_the_table(parts: list[str], table: set[TableEdge]) -> None:
    nodes = [GraphNode(str(place)) for place in range(10)]
    members = [
        tuple(node for node, of in zip(nodes, parts, strict=True) if of == part)
        for part in dict.fromkeys(parts)
    ]
    boxes = [Cluster(f"c{place}", inside) for place, inside in enumerate(members) if inside[1:]]

    edges = bundle_edges(sorted(table, key=attrs.astuple), nodes, boxes)

    expanded = [edge for edge in edges for edge in edge.expand()]
    assert sorted(expanded) == sorted(attrs.astuple(edge)[:4] for edge in table)


@given(
    parts=st.lists(names, min_size=10, max_size=10),
    table=st.sets(st.builds(TableEdge, names, st.sampled_from("ab"), st.just(""), names)),
)
def test_there_is_one_edge_for_the_same_ends(parts: list[str], table: set[TableEdge]) -> None:
    nodes = [GraphNode(str(place)) for place in range(10)]
    members = [
        tuple(node for node, of in zip(nodes, parts, strict=True) if of == part)
        for part in dict.fromkeys(parts)
    ]
    boxes = [Cluster(f"c{place}", inside) for place, inside in enumerate(members) if inside[1:]]

    edges = bundle_edges(table, nodes, boxes)

    assert len({(edge.source, edge.dest) for edge in edges}) == len(edges)


def test_every_edge_of_task_run_is_shown() -> None:
    assert graph(TaskRun).expand() == edges_of(TaskRun)


def test_the_table_of_task_run_fits_on_a_page() -> None:
    assert len(TaskRun.lifecycle.edges) > 90
    assert len(graph(TaskRun).edges) < 30


def test_the_clusters_of_task_run() -> None:
    assert clusters(graph(TaskRun)) == {
        "Pending family": ["Pending", "Scheduled", "Paused", "Resume", "Retrying"],
        "Meta family": ["ClientFailed", "Submitted", "Queued"],
        "Success family": ["Success", "Cached", "Mapped", "Skipped"],
        "Failed family": ["Failed", "TimedOut", "TriggerFailed", "ValidationFailed"],
        "other Finished": ["Finished", "Looped", "Cancelled"],
    }


def test_a_users_state_joins_the_cluster_of_its_base() -> None:
    @attrs.frozen
    class Waiting(Scheduled):
        """Waiting for a colleague."""

    class Patient(TaskRun):
        wait = event(Waiting, source=Pending)

    shown = graph(Patient)

    assert "Waiting" in clusters(shown)["Pending family"]
    assert shown.expand() == edges_of(Patient)


def test_a_cluster_below_a_users_own_base_is_found() -> None:
    @attrs.frozen
    class Thing(State): ...

    @attrs.frozen
    class Door(Thing): ...

    @attrs.frozen
    class Open(Door): ...

    @attrs.frozen
    class Ajar(Open): ...

    @attrs.frozen
    class Shut(Door): ...

    class Gate(Run):
        initial = Open
        push = event(Ajar, source=Open)
        shut = event(Shut, source=Open)

    shown = graph(Gate)

    assert clusters(shown) == {"Open family": ["Open", "Ajar"]}
    assert [node.name for node in shown.unclustered] == ["Shut"]
    assert shown.expand() == edges_of(Gate)


def test_a_cluster_that_shares_its_outgoing_edges_stays_whole() -> None:
    class Simple(Run):
        succeed = event(Success, source=Pending)
        skip = event(Skipped, source=Pending)
        fail = event(Failed, source=Pending)
        time_out = event(TimedOut, source=Pending)
        again = event(Pending, source=Finished)

    class Parted(Simple):
        again = None  # type: ignore[assignment]  # as the README says
        retry = event(Pending, source=Failed)

    assert list(clusters(graph(Simple))) == ["Finished family"]
    assert list(clusters(graph(Parted))) == ["Success family", "Failed family"]


def test_an_edge_from_all_members_but_one_names_the_exception() -> None:
    labels = [label.text for edge in graph(TaskRun).edges if edge.inner for label in edge.labels]

    assert "schedule (not Paused)" in labels


def test_an_internal_transition_is_an_edge_of_each_state() -> None:
    class Talker(Run):
        start = event(Running, source=Pending)
        progress = internal(source=(Pending, Running))

    shown = graph(Talker)

    assert {edge.source.name for edge in shown.edges if edge.labels[0].stays} == {
        "Pending",
        "Running",
    }
    assert shown.expand() == edges_of(Talker)
