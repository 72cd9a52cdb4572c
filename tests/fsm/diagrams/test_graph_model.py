"""Labels, and the order of nodes."""

from __future__ import annotations

from fsm import TaskRun
from fsm.diagrams import graph
from fsm.diagrams.graph_model import Label


def test_an_exception_of_all_labels_is_written_once() -> None:
    lines = [edge.lines for edge in graph(TaskRun).edges]

    assert ("not ClientFailed:", "schedule [pause over] → Scheduled", "pause → Paused") in lines


def test_a_label_counts_repeated_steps(run: TaskRun) -> None:
    texts = {label.text for edge in graph(run).path().edges for label in edge.labels}

    assert "4, 7: retry (2×)" in texts  # noqa: RUF001  # it is a multiplication sign


def test_a_label_of_many_steps_shows_a_few() -> None:
    assert Label("retry", steps=tuple(range(4, 4000, 2))).text == "4, 6 … 3998: retry (1,998×)"  # noqa: RUF001  # it is a multiplication sign


def test_the_order_follows_the_edges() -> None:
    shown = graph(TaskRun)
    order = {end.name: place for end, place in shown.order().items()}

    assert order["Pending family"] < order["Meta family"] < order["Running"]
    assert order["Running"] < order["Success family"]
