"""Graph: what diagrams show; the law of folding; families."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import InvalidArgument, Run, TaskRun, event, internal
from fsm.diagrams import graph, inheritance
from fsm.diagrams.fold import Arrow, fold
from fsm.diagrams.graph_model import Cluster, Graph, Label, Node
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


def arrows(cls: type[Run]) -> set[tuple[str, str, str, str]]:
    """What the table says."""
    return {
        (edge.source.__name__, edge.event, edge.row.label, edge.dest.__name__)
        for edge in cls.lifecycle.edges
    }


def clusters(shown: Graph) -> dict[str, list[str]]:
    """The families by name."""
    return {cluster.name: [node.name for node in cluster.nodes] for cluster in shown.clusters}


names = st.integers(0, 9).map(str)


@given(
    parts=st.lists(names, min_size=10, max_size=10),
    table=st.sets(
        st.builds(Arrow, names, st.sampled_from("ab"), st.sampled_from(["", "[g]"]), names)
    ),
)
def test_what_is_folded_unfolds_to_the_table(parts: list[str], table: set[Arrow]) -> None:
    nodes = [Node(str(place)) for place in range(10)]
    members = [
        tuple(node for node, of in zip(nodes, parts, strict=True) if of == part)
        for part in dict.fromkeys(parts)
    ]
    boxes = [Cluster(f"c{place}", inside) for place, inside in enumerate(members) if inside[1:]]

    edges = fold(sorted(table, key=attrs.astuple), nodes, boxes)

    unfolded = [arrow for edge in edges for arrow in edge.unfold()]
    assert sorted(unfolded) == sorted(attrs.astuple(arrow)[:4] for arrow in table)


@given(
    parts=st.lists(names, min_size=10, max_size=10),
    table=st.sets(st.builds(Arrow, names, st.sampled_from("ab"), st.just(""), names)),
)
def test_the_same_ends_are_joined_by_one_edge(parts: list[str], table: set[Arrow]) -> None:
    nodes = [Node(str(place)) for place in range(10)]
    members = [
        tuple(node for node, of in zip(nodes, parts, strict=True) if of == part)
        for part in dict.fromkeys(parts)
    ]
    boxes = [Cluster(f"c{place}", inside) for place, inside in enumerate(members) if inside[1:]]

    edges = fold(table, nodes, boxes)

    assert len({(edge.source, edge.dest) for edge in edges}) == len(edges)


def test_the_table_of_task_run_is_shown_whole() -> None:
    assert graph(TaskRun).unfold() == arrows(TaskRun)


def test_the_table_of_task_run_fits_on_a_page() -> None:
    assert len(TaskRun.lifecycle.edges) > 90
    assert len(graph(TaskRun).edges) < 30


def test_the_families_of_task_run_are_what_people_say() -> None:
    assert clusters(graph(TaskRun)) == {
        "Pending family": ["Pending", "Scheduled", "Paused", "Resume", "Retrying"],
        "Meta family": ["ClientFailed", "Submitted", "Queued"],
        "Success family": ["Success", "Cached", "Mapped", "Skipped"],
        "Failed family": ["Failed", "TimedOut", "TriggerFailed", "ValidationFailed"],
        "other Finished": ["Finished", "Looped", "Cancelled"],
    }


def test_a_users_state_joins_its_family() -> None:
    @attrs.frozen
    class Waiting(Scheduled):
        """Waiting for a colleague."""

    class Patient(TaskRun):
        wait = event(Waiting, source=Pending)

    shown = graph(Patient)

    assert "Waiting" in clusters(shown)["Pending family"]
    assert shown.unfold() == arrows(Patient)


def test_a_family_below_bases_of_ones_own_is_found() -> None:
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
    assert [node.name for node in shown.loose] == ["Shut"]
    assert shown.unfold() == arrows(Gate)


def test_a_family_that_shares_its_ways_out_stays_whole() -> None:
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


def test_a_way_out_of_all_but_one_says_which() -> None:
    labels = [label.text for edge in graph(TaskRun).edges if edge.inner for label in edge.labels]

    assert "schedule (not Paused)" in labels


def test_what_all_labels_of_an_edge_except_is_said_once() -> None:
    lines = [edge.lines for edge in graph(TaskRun).edges]

    assert ("not ClientFailed:", "schedule [pause over] → Scheduled", "pause → Paused") in lines


def test_a_step_that_stays_is_an_edge_of_each_state() -> None:
    class Talker(Run):
        start = event(Running, source=Pending)
        progress = internal(source=(Pending, Running))

    shown = graph(Talker)

    assert {edge.source.name for edge in shown.edges if edge.labels[0].stays} == {
        "Pending",
        "Running",
    }
    assert shown.unfold() == arrows(Talker)


def test_initial_states_and_final_ones_are_marked() -> None:
    shown = graph(TaskRun)

    assert [node.name for node in shown.nodes if node.initial] == ["Pending"]
    assert [node.name for node in shown.nodes if node.final] == ["Finished", "Skipped", "Cancelled"]


def test_a_run_shows_where_it_is(run: TaskRun) -> None:
    assert [node.name for node in graph(run).nodes if node.current] == ["Success"]


def test_a_run_shows_where_it_has_been(run: TaskRun) -> None:
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


def test_a_run_numbers_its_steps(run: TaskRun) -> None:
    steps = [step for edge in graph(run).edges for label in edge.labels for step in label.steps]

    assert sorted(steps) == [step.seq for step in run.history]


def test_a_run_counts_what_it_did_again(run: TaskRun) -> None:
    texts = {label.text for edge in graph(run).path().edges for label in edge.labels}

    assert "4, 7: retry (2×)" in texts  # noqa: RUF001  # it is a multiplication sign


def test_of_many_steps_a_few_are_told() -> None:
    assert Label("retry", steps=tuple(range(4, 4000, 2))).text == "4, 6 … 3998: retry (1,998×)"  # noqa: RUF001  # it is a multiplication sign


def test_a_run_that_has_not_moved_is_where_it_began() -> None:
    path = graph(TaskRun("new")).path()

    assert [(node.name, node.current) for node in path.nodes] == [("Pending", True)]
    assert path.edges == ()


def test_the_path_is_the_whole_table_still(run: TaskRun) -> None:
    assert {arrow[:2] for arrow in graph(run).unfold()} == {arrow[:2] for arrow in arrows(TaskRun)}


def test_a_lifecycle_and_its_class_look_the_same() -> None:
    assert graph(TaskRun.lifecycle) == graph(TaskRun)


def test_a_graph_is_its_own_graph() -> None:
    shown = graph(TaskRun)

    assert graph(shown) is shown


def test_inheritance_leads_from_each_parent_to_its_children() -> None:
    pairs = {(edge.source.name, edge.dest.name) for edge in inheritance().edges}

    assert pairs >= {("State", "Pending"), ("Scheduled", "Retrying"), ("Success", "Cached")}
    assert ("State", "Submitted") in pairs  # what is between them is ours alone


def test_inheritance_of_a_family_begins_at_its_root() -> None:
    shown = graph(Success)

    assert shown.nodes[0].name == "Success"
    assert {edge.source.name for edge in shown.edges} == {"Success"}


@pytest.mark.parametrize("other", [None, "TaskRun", 3, int, Finished(), Failed.color])
def test_what_has_no_diagram_is_refused(other: Any) -> None:
    with pytest.raises(InvalidArgument, match="a diagram is drawn of a Run class"):
        graph(other)


def test_the_order_follows_the_edges() -> None:
    shown = graph(TaskRun)
    order = {end.name: place for end, place in shown.order().items()}

    assert order["Pending family"] < order["Meta family"] < order["Running"]
    assert order["Running"] < order["Success family"]
