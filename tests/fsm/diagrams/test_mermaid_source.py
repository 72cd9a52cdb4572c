"""Mermaid, which GitHub renders; no text of users is markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsm import Run, TaskRun, event
from fsm.diagrams import inheritance, mermaid
from fsm.diagrams.graph_model import GraphNode, StateGraph
from fsm.diagrams.mermaid_source import escape_mermaid
from fsm.errors import InvalidArgument
from states import Pending, Running

from .conftest import HOSTILE, lifecycle_of

PAGE = Path(__file__).parents[2] / "pages" / "task_run.mmd"

# The form of every line; nothing in a text has a meaning to Mermaid.
TEXT = r"(?:[A-Za-z0-9 ,()\[\]_]|[^\x00-\x7f]|[#]\d+;)*"
LINE = re.compile(
    rf"""stateDiagram-v2|\s+(?:
    direction\ TB
    |state\ "{TEXT}"\ as\ [a-z0-9]+(?:\ \{{)?
    |\}}
    |(?:\[\*\]|[a-z0-9]+)\ -->\ (?:\[\*\]|[a-z0-9]+)(?:\ :\ {TEXT}(?:<br/>{TEXT})*)?
    |classDef\ s\d+\ fill:\#[0-9a-f]{{6}},color:\#[0-9a-f]{{6}}
        (?:,stroke:\#bf3989,stroke-width:4px)?
    |class\ s\d+\ s\d+
    )""",
    re.VERBOSE,
)


def test_task_run_is_the_approved_page() -> None:
    assert mermaid(TaskRun) == PAGE.read_text(encoding="utf-8")


def test_no_edge_crosses_the_border_of_a_box() -> None:
    text = mermaid(TaskRun)
    boxed = {
        name
        for box in re.findall(r"\{\n(.*?)\n    \}", text, re.DOTALL)
        for name in re.findall(r" as (\w+)", box)
    }
    outside = re.sub(r"\{\n.*?\n    \}", "", text, flags=re.DOTALL)

    ends = {end for pair in re.findall(r"(\w+) --> (\w+)", outside) for end in pair}

    assert boxed
    assert not boxed & ends


def test_a_lifecycle_without_clusters_has_no_boxes() -> None:
    class Lamp(Run):
        switch = event(Running, source=Pending)

    lines = [line.strip() for line in mermaid(Lamp).splitlines()]

    assert lines[2:8] == [
        "[*] --> s0",
        'state "Pending" as s0',
        'state "Running" as s1',
        "s0 --> s1 : #160;switch#160;",
        "s1 --> [*]",
        "classDef s0 fill:#7ebdff,color:#111111",
    ]


def test_a_run_is_drawn_as_its_path(run: TaskRun) -> None:
    text = mermaid(run)

    assert "4,#160;7#58;#160;retry" in text
    assert "Scheduled" not in text
    assert text.count("stroke-width:4px") == 1


def test_inheritance_has_no_initial_state() -> None:
    assert "[*]" not in mermaid(inheritance())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text: str) -> None:
    for line in mermaid(lifecycle_of(text)).splitlines():
        assert LINE.fullmatch(line), line


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_edge(text: str) -> None:
    assert mermaid(lifecycle_of(text)).count("-->") == mermaid(lifecycle_of("fine")).count("-->")


def test_a_label_contains_no_statement() -> None:
    assert "direction" not in escape_mermaid("turn direction LR").lower()


def test_another_direction_can_be_chosen() -> None:
    assert "    direction LR\n" in mermaid(TaskRun, direction="LR")


def test_an_invalid_direction_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="a direction is one of TB, BT, LR, RL"):
        mermaid(TaskRun, direction="TB\n    [*] --> s3")


def test_a_note_has_a_line_of_its_own() -> None:
    noted = GraphNode("**Busy**", notes=("2 now", "$$x$$"))

    text = mermaid(StateGraph("noted", (noted,), (), ()))

    assert 'state "#42;#42;Busy#42;#42;\n2 now\n#36;#36;x#36;#36;" as s0' in text
