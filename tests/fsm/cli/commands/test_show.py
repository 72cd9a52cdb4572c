"""fsm show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import unstyle

from fsm import TaskRun

from ..conftest import Invoke, Program


def test_piped_it_is_the_matrix(fsm: Invoke) -> None:
    result = fsm("show", "fsm:TaskRun")

    assert result.exit_code == 0
    assert result.stdout == TaskRun.lifecycle.matrix()


def test_task_run_is_shown_by_default(fsm: Invoke) -> None:
    assert fsm("show").stdout == fsm("show", "fsm:TaskRun").stdout


def test_on_a_wide_terminal_it_is_a_table(terminal: Invoke) -> None:
    lines = terminal("show", width=400).stdout.splitlines()

    assert all(event in lines[2] for event in TaskRun.lifecycle.events)
    assert len(lines) == 3 + len(TaskRun.lifecycle.nodes)


@pytest.mark.parametrize("width", [40, 80, 160])
def test_on_a_narrow_terminal_each_state_is_a_block(width: int, terminal: Invoke) -> None:
    stdout = terminal("show", width=width).stdout

    assert stdout.count("●") == len(TaskRun.lifecycle.nodes)
    assert "submit → Submitted [pause over]" in stdout
    assert max(map(len, unstyle(stdout).splitlines())) <= width


def test_every_arrow_of_the_table_is_in_its_block(terminal: Invoke) -> None:
    stdout = terminal("show", width=100).stdout

    blocks = stdout.split("●")[1:]
    for node, block in zip(TaskRun.lifecycle.nodes, blocks, strict=True):
        shown = [f"{edge.event} → {edge.dest.__name__}" for edge in TaskRun.lifecycle.edges
                 if edge.source is node]  # fmt: skip
        assert block.count("→") == len(shown)
        assert all(arrow in block for arrow in shown)


def test_json_has_the_whole_table(fsm: Invoke) -> None:
    data = json.loads(fsm("show", "--json").stdout)

    arrows = {(row["source"], row["event"], row["dest"]) for row in data["transitions"]}
    assert data["initial"] == "Pending"
    assert arrows == {
        (edge.source.__name__, edge.event, edge.dest.__name__) for edge in TaskRun.lifecycle.edges
    }
    assert {"source": "Pending", "event": "start", "dest": "Running", "stays": False,
            "conditions": ["start time reached"], "unless": []} in data["transitions"]  # fmt: skip


def test_names_and_colours_of_the_users_are_no_markup(here: Path, program: Program) -> None:
    (here / "odd.py").write_text(
        "import attrs\n"
        "from fsm import Run, event\n"
        "from states import Pending, State\n"
        "Odd = type('[red]O\\x1b[31m', (State,), {'color': 'link file:///x\\x1b'})\n"
        "class Order(Run):\n"
        "    go = event(Odd, source=Pending)\n"
    )

    for width in ("40", "200"):
        result = program("show", "odd:Order", FORCE_COLOR="1", NO_COLOR="1", COLUMNS=width)

        assert result.returncode == 0, result.stderr
        assert "[red]O\\x1b[31m" in result.stdout
        assert "\x1b]8" not in result.stdout


def test_a_state_that_stays_is_shown_staying(here: Path, fsm: Invoke, terminal: Invoke) -> None:
    (here / "still.py").write_text(
        "from fsm import Run, internal\nfrom states import Pending\n"
        "class Still(Run):\n    note = internal(source=Pending)\n"
    )

    assert "1 state, 1 event, begins Pending" in terminal("show", "still:Still", width=100).stdout
    assert "(stays)" in terminal("show", "still:Still", width=100).stdout
    assert "note → (stays)" in terminal("show", "still:Still", width=24).stdout
    assert json.loads(fsm("show", "still:Still", "--json").stdout)["transitions"][0]["stays"]


def test_no_color_leaves_no_color(program: Program) -> None:
    colored = program("show", FORCE_COLOR="1", COLORTERM="truecolor")
    plain = program("show", FORCE_COLOR="1", NO_COLOR="1", COLORTERM="truecolor")

    assert "\x1b[38" in colored.stdout
    assert "\x1b[38" not in plain.stdout


def test_markdown_is_a_table(fsm: Invoke) -> None:
    result = fsm("show", "fsm:TaskRun", "--markdown")

    assert result.exit_code == 0
    assert result.stdout.startswith("| Event | From | If | To |\n| --- | --- | --- | --- |\n")
