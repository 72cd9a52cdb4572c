"""DOT, which Graphviz reads; no text of users is markup."""

from __future__ import annotations

import re

import pytest

from fsm import TaskRun
from fsm.diagrams import dot, graph
from fsm.errors import InvalidArgument

from .conftest import HOSTILE, lifecycle_of

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def skeleton(text: str) -> list[str]:
    """The DOT text without its strings, each attribute on a line."""
    return re.sub(r'label="",|(?:fill|font)color="",', "", STRING.sub('""', text)).split("\n")


def test_each_cluster_is_a_subgraph() -> None:
    assert dot(TaskRun).count("subgraph cluster") == len(graph(TaskRun).clusters)


def test_each_edge_is_drawn() -> None:
    edges = [line for line in dot(TaskRun).splitlines() if " -> " in line and "label" in line]

    assert len(edges) == len(graph(TaskRun).edges)


def test_edges_that_a_run_did_not_take_have_no_label(run: TaskRun) -> None:
    text = dot(run)

    assert 'label="4, 7: retry (2×)"' in text  # noqa: RUF001  # it is a multiplication sign
    assert 'label="cancel' not in text
    assert 'tooltip="cancel → Cancelled"' in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_string(text: str) -> None:
    assert skeleton(dot(lifecycle_of(text))) == skeleton(dot(lifecycle_of("fine")))


@pytest.mark.parametrize("text", HOSTILE)
def test_only_printable_text_is_written(text: str) -> None:
    assert all(line.isprintable() for line in dot(lifecycle_of(text)).split("\n"))


def test_an_invalid_direction_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="a direction is one of"):
        dot(TaskRun, direction="TB]; evil [")
