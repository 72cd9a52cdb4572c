"""A heat map shows where runs are, how long they stay, and which edges they take."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from fsm import LifecycleError, MemoryJournal, Run, TaskRun, event
from fsm.diagrams import StateGraph, dot, graph, heat, mermaid, svg
from fsm.diagrams.build import graph_of_run
from fsm.diagrams.graph_model import GraphNode, Label
from fsm.journal.traffic import Stay, Traffic
from fsm.testing import HandClock
from states import Pending, Running


@pytest.fixture
def journal(clock: HandClock) -> MemoryJournal:
    """Three runs: one is done, one runs, one has failed and is to be tried again."""
    journal = MemoryJournal()
    runs = [TaskRun(name, journal=journal, clock=clock, max_retries=1) for name in "abc"]
    for run in runs:
        run.submit()
        clock.advance(seconds=2)
        run.start()
    clock.advance(seconds=10)
    runs[0].succeed()
    runs[2].fail()
    runs[2].retry()
    return journal


def node(shown: StateGraph, name: str) -> GraphNode:
    return next(each for each in shown.nodes if each.name == name)


def labels(shown: StateGraph) -> list[Label]:
    return [label for edge in shown.edges for label in edge.labels if label.times]


def test_a_state_shows_how_many_runs_are_there_and_how_long_they_stay(
    journal: MemoryJournal,
) -> None:
    shown = heat(TaskRun, journal.traffic())

    assert node(shown, "Running").notes == ("1 now", "12 s each")
    assert node(shown, "Submitted").notes == ("2 s each",)
    assert node(shown, "Success").notes == ("1 now",)
    assert node(shown, "Cancelled").notes == ()
    assert node(shown, "Running").hint == "2 stays have ended; they lasted 12 s on average"
    assert shown.title == "TaskRun, 3 runs"


def test_an_edge_shows_how_often_it_was_taken(journal: MemoryJournal) -> None:
    shown = heat(TaskRun, journal.traffic())

    assert {(label.event, label.times) for label in labels(shown)} == {
        ("submit", 3),
        ("start", 3),
        ("succeed", 1),
        ("fail", 1),
        ("retry", 1),
    }
    lines = [line for edge in shown.edges for line in edge.lines if edge.taken]
    assert "start (3×) (not ClientFailed)" in lines  # noqa: RUF001  # it is a multiplication sign


def test_a_heat_map_expands_to_the_table(journal: MemoryJournal) -> None:
    assert heat(TaskRun, journal.traffic()).expand() == graph(TaskRun).expand()


def test_the_state_with_most_runs_glows_most() -> None:
    stays = {"Running": Stay(runs=1000), "Failed": Stay(runs=3), "Paused": Stay(ended=2)}
    shown = heat(TaskRun.lifecycle, Traffic(stays, {}))

    hot = {name: node(shown, name).heat for name in ("Running", "Failed", "Paused", "Queued")}
    assert hot["Running"] == 1
    assert 0 < (hot["Failed"] or 0) < 1
    assert (hot["Paused"], hot["Queued"]) == (0, 0)


def test_states_without_visits_are_dim_and_initial_states_are_not(journal: MemoryJournal) -> None:
    shown = heat(TaskRun, journal.traffic())

    assert [node(shown, name).visits > 0 for name in ("Pending", "Running", "Skipped")] == [
        True,
        True,
        False,
    ]


def test_a_journal_without_runs_is_drawn_dim() -> None:
    shown = heat(TaskRun, Traffic({}, {}))

    assert shown.shows_activity
    assert {each.visits for each in shown.nodes} == {0}
    assert [edge for edge in shown.edges if edge.taken] == []


def test_traffic_outside_the_table_is_left_out(journal: MemoryJournal) -> None:
    odd = Traffic({"Nowhere": Stay(runs=5)}, {("Nowhere", "go", "Running"): 5})

    assert labels(heat(TaskRun, odd)) == []


@pytest.mark.parametrize("draw", [svg, mermaid, dot])
def test_every_renderer_shows_the_numbers(draw: Any, journal: MemoryJournal) -> None:
    if draw is svg:
        pytest.importorskip("pygraphviz")
    drawn = draw(heat(TaskRun, journal.traffic())).replace("#160;", " ")

    assert "1 now" in drawn
    assert "12 s each" in drawn
    assert "start (3×)" in drawn  # noqa: RUF001  # it is a multiplication sign


def test_refused_events_are_noted_on_the_state_where_they_were_refused(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    for name in ("start", "start", "start", "resume", "iterate", "expire", "retry", "queue"):
        try_to_trigger(run, name)

    shown = graph(run)

    assert node(shown, "Running").notes == (
        "refused: start (2×)",  # noqa: RUF001  # it is a multiplication sign
        "refused: resume",
        "refused: iterate",
        "and 3 others",
    )
    assert node(shown, "Pending").notes == ()
    assert "refused: resume" in mermaid(run).replace("#58;", ":")


def try_to_trigger(run: TaskRun, name: str) -> None:
    with suppress(LifecycleError):
        run.trigger(name)


def test_refusals_of_other_processes_are_noted_if_they_are_passed(clock: HandClock) -> None:
    journal = MemoryJournal()
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    try_to_trigger(TaskRun.restore("r", journal), "resume")

    assert node(graph(run), "Running").notes == ()  # a diagram reads no journal
    assert node(graph_of_run(run, journal.refusals("r")), "Running").notes == ("refused: resume",)


def test_steps_of_two_rows_with_the_same_ends_are_counted_once() -> None:
    def never(run: Any, step: Any) -> bool:
        return False

    class Twice(Run):
        """One event, two rows."""

        start = event(Running, source=Pending, conditions=[never]) | event(Running, source=Pending)

    run = Twice("r")
    run.start()
    journal = MemoryJournal()
    journal.extend(run.history, Twice)
    shown = heat(Twice, journal.traffic())

    assert sum(edge.times for edge in shown.edges) == 1
    assert shown.expand() == graph(Twice).expand()
