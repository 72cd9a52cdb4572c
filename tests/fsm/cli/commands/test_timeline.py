"""fsm timeline."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from fsm import TaskRun, open_journal
from fsm.testing import HandClock

from ..conftest import HOSTILE, Invoke, Spoil


def test_all_runs_are_drawn(journal: str, fsm: Invoke) -> None:
    result = fsm("timeline", "--journal", journal)

    assert result.exit_code == 0, result.stderr
    assert "etl/load" in result.stdout
    assert "etl/report" in result.stdout


def test_runs_may_be_chosen(journal: str, fsm: Invoke) -> None:
    result = fsm("timeline", "etl/load", "--journal", journal)

    assert "etl/load" in result.stdout
    assert "etl/report" not in result.stdout


@pytest.mark.parametrize(
    ("args", "begins"),
    [
        (["-o", "runs.svg"], "<svg"),
        (["-o", "runs.mmd"], "gantt\n"),
        (["-o", "runs.json"], "[\n"),
        (["-o", "runs.txt"], "           00:00:00"),
        (["--format", "mermaid", "-o", "runs.svg"], "gantt\n"),
    ],
)
def test_the_form_is_as_asked_or_as_the_file_ends(
    args: list[str], begins: str, journal: str, here: Path, fsm: Invoke
) -> None:
    result = fsm("timeline", "--journal", journal, *args)

    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    assert (here / args[-1]).read_text(encoding="utf-8").startswith(begins)


def test_json_tells_each_span(journal: str, fsm: Invoke) -> None:
    result = fsm("timeline", "etl/load", "--journal", journal, "--json")

    (run,) = json.loads(result.stdout)
    assert (run["run"], run["class"], run["state"]) == (
        "etl/load",
        "fsm:TaskRun",
        "Success",
    )
    assert [span["state"] for span in run["spans"]] == [
        "Running", "Failed", "Retrying", "Running", "Success",
    ]  # fmt: skip
    assert [span["attempt"] for span in run["spans"]] == [1, 1, 1, 2, 2]


def test_a_run_that_goes_on_is_drawn_until_now(journal: str, fsm: Invoke) -> None:
    with open_journal(journal) as kept:
        run = TaskRun("goes on", journal=kept)
        run.start()
        began = run.history[-1].micros

    drawn = json.loads(fsm("timeline", "goes on", "--journal", journal, "--json").stdout)

    ended = datetime.datetime.fromisoformat(drawn[0]["spans"][-1]["ended"])
    assert ended.timestamp() * 1e6 > began


@pytest.mark.parametrize("name", ["x.png", "x.HTML", "x.pdf"])
def test_a_file_is_not_named_what_it_cannot_be(name: str, journal: str, fsm: Invoke) -> None:
    for command in (["timeline", "--journal", journal], ["diagram"]):
        refused = fsm(*command, "-o", name)

        assert refused.exit_code == 2
        assert "end the name in .svg" in refused.stderr


def test_an_unknown_run_is_refused(journal: str, fsm: Invoke) -> None:
    result = fsm("timeline", "etl/laod", "--journal", journal)

    assert result.exit_code == 1
    assert "etl/load" in result.stderr


def test_a_state_of_an_unknown_class_is_drawn(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil("runs.db", "UPDATE steps SET dest = 'Dreaming', payload = '{}' WHERE dest = 'Cancelled'")

    result = fsm("timeline", "--journal", journal)

    assert result.exit_code == 0, result.stderr
    assert "Dreaming" in result.stdout


def test_a_file_that_cannot_be_written_is_named(journal: str, fsm: Invoke) -> None:
    result = fsm("timeline", "--journal", journal, "-o", "nowhere/runs.svg")

    assert result.exit_code == 1
    assert "cannot write 'nowhere/runs.svg'" in result.stderr


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", ["text", "svg", "mermaid", "json"])
def test_hostile_names_are_only_text(
    name: str, form: str, here: Path, fsm: Invoke, spoil: Spoil
) -> None:
    kept = open_journal("runs.db")
    TaskRun("r", journal=kept, clock=HandClock()).start()
    kept.close()
    spoil("runs.db", "UPDATE steps SET run = ?", name)
    spoil("runs.db", "UPDATE runs SET id = ?", name)

    result = fsm("timeline", "--journal", "runs.db", "--format", form)

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
