"""Markdown tables; no text of users is markup."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import Run, Step, TaskRun, event
from fsm.diagrams import table
from fsm.errors import InvalidArgument
from fsm.testing import HandClock
from fsm.text import as_label
from states import Pending, Running

from .conftest import HOSTILE, lifecycle_of


def rows(text: str) -> list[list[str]]:
    """The cells below the head, as a reader sees them."""
    lines = text.removesuffix("\n").split("\n")
    return [[html.unescape(cell.strip()) for cell in line[1:-1].split("|")] for line in lines[2:]]


def test_a_lifecycle_is_a_table_of_its_rows() -> None:
    assert ["resume", "Paused", "", "Resume"] in rows(table(TaskRun))


def test_every_edge_is_in_the_table() -> None:
    lifecycle = TaskRun.lifecycle

    found = {
        (event, source, dest)
        for event, sources, _, dest in rows(table(lifecycle))
        for source in sources.split(", ")
    }

    assert found == {
        (edge.event, edge.source.__name__, edge.dest.__name__ if edge.row.dest else "(stays)")
        for edge in lifecycle.edges
    }


def test_a_run_is_a_table_of_its_steps(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.start(message="off we go")

    assert rows(table(run)) == [
        ["1", "2020-01-01 00:00:00.000", "start", "Pending", "Running", "off we go"]
    ]


def test_a_table_of_anything_else_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="a table is made of"):
        table(3)  # type: ignore[arg-type]  # that is the test


@given(message=st.text() | st.sampled_from(HOSTILE))
def test_hostile_text_is_one_cell(message: str) -> None:
    run = TaskRun("r", clock=HandClock())
    run.start(message=message)

    text = table(run)

    assert [row[-1] for row in rows(text)] == [as_label(message)]
    assert set("<>[]*`\\") & set(text) == set()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_cells(text: str) -> None:
    hostile: type[Run] = lifecycle_of(text)

    assert all(len(row) == 4 for row in rows(table(hostile)))


def test_brackets_in_the_name_of_a_guard_are_kept() -> None:
    def guard(_run: Run, _step: Step) -> bool:
        return True

    guard.__name__ = "[is] in range[0, 9]"
    made = type("Ranged", (Run,), {"go": event(Running, source=Pending, conditions=[guard])})

    assert [row[2] for row in rows(table(made))] == ["[is] in range[0, 9]"]
