"""fsm diagram."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from fsm import LifecycleError, TaskRun, open_journal

from ..conftest import Invoke, Spoil


def test_mermaid_is_drawn_by_default(fsm: Invoke) -> None:
    result = fsm("diagram")

    assert result.exit_code == 0
    assert result.stdout.startswith("stateDiagram-v2\n")
    assert not result.stdout.endswith("\n\n")


@pytest.mark.parametrize(
    ("args", "begins"),
    [
        (["-o", "order.dot"], "digraph"),
        (["-o", "order.mmd"], "stateDiagram-v2"),
        (["-o", "order.GV"], "digraph"),
        (["--format", "mermaid", "-o", "order.dot"], "stateDiagram-v2"),
    ],
)
def test_the_form_is_as_asked_or_as_the_file_ends(
    args: list[str], begins: str, here: Path, fsm: Invoke
) -> None:
    result = fsm("diagram", "shop:Order", *args)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert (here / args[-1]).read_text(encoding="utf-8").startswith(begins)


def test_svg_is_drawn(here: Path, fsm: Invoke) -> None:
    pytest.importorskip("pygraphviz")

    result = fsm("diagram", "shop:Order", "-o", "order.svg")

    assert result.exit_code == 0, result.stderr
    assert "<svg" in (here / "order.svg").read_text(encoding="utf-8")


def test_a_missing_extra_is_named(fsm: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    result = fsm("diagram", "--format", "svg")

    assert result.exit_code == 1
    assert "pip install 'runstates[diagrams]'" in result.stderr


def test_states_is_the_family_tree(fsm: Invoke) -> None:
    result = fsm("diagram", "states", "--format", "dot")

    assert result.exit_code == 0
    assert "ValidationFailed" in result.stdout


def test_a_run_is_drawn_with_its_path(journal: str, fsm: Invoke) -> None:
    result = fsm("diagram", "--run", "etl/load", "--journal", journal)

    assert result.exit_code == 0
    assert result.stdout != fsm("diagram").stdout


def test_the_runs_of_a_journal_are_drawn_into_the_lifecycle(journal: str, fsm: Invoke) -> None:
    drawn = fsm("diagram", "fsm:TaskRun", "--heat", "--journal", journal, "--json")

    assert drawn.exit_code == 0
    data = json.loads(drawn.stdout)
    assert data["title"].endswith("runs")
    assert [each["notes"] for each in data["states"] if each["notes"]]
    assert any(label["times"] for edge in data["edges"] for label in edge["labels"])


def test_a_journal_in_the_environment_changes_no_picture(
    journal: str, fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fsm("diagram").stdout
    monkeypatch.setenv("FSM_JOURNAL", journal)

    assert fsm("diagram").stdout == plain
    assert fsm("diagram", "--heat").stdout != plain


def test_a_run_shows_refused_attempts(journal: str, fsm: Invoke) -> None:
    with open_journal(journal) as kept:
        run = next(iter(kept.runs())).run
        with suppress(LifecycleError):
            TaskRun.restore(run, kept).expire()

    drawn = fsm("diagram", "fsm:TaskRun", "--run", run, "--journal", journal, "--json")

    notes = [note for state in json.loads(drawn.stdout)["states"] for note in state["notes"]]
    assert notes == ["refused: expire"]


def test_runs_of_another_class_are_not_taken_for_those_of_this_one(
    journal: str, fsm: Invoke, here: Path
) -> None:
    (here / "elsewhere.py").write_text("from fsm import TaskRun\nclass Other(TaskRun): 'x'\n")

    refused = fsm("diagram", "elsewhere:Other", "--heat", "--journal", journal)

    assert refused.exit_code == 1
    assert "has no runs of elsewhere:Other" in refused.stderr
    assert "it has runs of fsm:TaskRun" in refused.stderr


def test_an_unknown_run_is_an_error(journal: str, fsm: Invoke) -> None:
    result = fsm("diagram", "--run", "etl/lod", "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr.startswith("error: no run 'etl/lod' in runs.db\nnote: did you mean")


def test_a_run_of_another_class_is_an_error(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil(
        journal,
        "UPDATE steps SET dest = 'Nowhere', payload = json_replace(payload, '$.type', 'Nowhere') "
        "WHERE run = 'etl/report'",
    )

    result = fsm("diagram", "--run", "etl/report", "--journal", journal)

    assert result.exit_code == 1
    assert "'Nowhere'" in result.stderr
    assert "note: if it is a run of another class, give that class as TARGET" in result.stderr


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--run", "x"], "--run needs --journal"),
        (["--heat"], "--heat needs --journal"),
        (
            ["--heat", "--run", "x", "--journal", "runs.db"],
            "--run draws one run, --heat all",
        ),
        (["--journal", "runs.db"], "--journal needs --run ID or --heat"),
        (["states", "--run", "x", "--journal", "runs.db"], "give a Run class as TARGET"),
        (["states", "--heat", "--journal", "runs.db"], "give a Run class as TARGET"),
        (["--format", "png"], "'png' is not one of"),
    ],
)
def test_what_does_not_go_together_is_2(args: list[str], error: str, fsm: Invoke) -> None:
    result = fsm("diagram", *args)

    assert result.exit_code == 2
    assert error in result.stderr


@pytest.mark.parametrize("output", ["no/such/folder/x.mmd", ".", "", "x\0y"])
def test_a_file_that_cannot_be_written_is_an_error(output: str, here: Path, fsm: Invoke) -> None:
    result = fsm("diagram", "-o", output)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: cannot write {output!r}: ")
    assert sorted(path.name for path in here.iterdir()) == ["shop.py"]


def test_json_is_the_graph_that_is_drawn(journal: str, fsm: Invoke) -> None:
    result = fsm("diagram", "--run", "etl/load", "--journal", journal, "--json")

    data = json.loads(result.stdout)
    names = {state["name"] for state in data["states"]}
    boxes = {cluster["name"]: cluster["states"] for cluster in data["clusters"]}
    assert [state["name"] for state in data["states"] if state["current"]] == ["Success"]
    assert all(names >= set(states) for states in boxes.values())
    assert all({edge["source"], edge["dest"]} <= names | boxes.keys() for edge in data["edges"])
    steps = [step for edge in data["edges"] for label in edge["labels"] for step in label["steps"]]
    assert sorted(steps) == [1, 2, 3, 4, 5]


def test_json_goes_where_a_file_ends_in_it(fsm: Invoke, here: Path) -> None:
    assert fsm("diagram", "states", "-o", "states.json").exit_code == 0

    assert json.loads((here / "states.json").read_text())["states"]


def test_a_misspelt_form_is_guessed_at(fsm: Invoke) -> None:
    assert "(did you mean 'svg'?)" in fsm("diagram", "--format", "sgv").stderr
