"""fsm rescue: runs whose workers are lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsm import TaskRun, open_journal
from fsm.cli.targets import load

from ..conftest import Invoke


@pytest.fixture
def lost(journal: str) -> str:
    """A journal whose running run has lost its worker, and a finished one too."""
    with open_journal(journal) as kept:
        kept.claim(owner="worker-1", run="etl/report", lease=0)
        kept.claim(owner="worker-2", run="etl/load", lease=0)
    return journal


def test_a_lost_run_is_rescued(lost: str, fsm: Invoke) -> None:
    result = fsm("rescue", "--journal", lost)

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "etl/report, lost by worker-1: now Retrying",
        "1 of 1 lost runs rescued",
    ]
    with open_journal(lost) as kept:
        assert kept.summary("etl/report").state == "Retrying"
        assert kept.summary("etl/load").state == "Success"


def test_nothing_to_rescue_is_0(journal: str, fsm: Invoke) -> None:
    result = fsm("rescue", "--journal", journal)

    assert (result.exit_code, result.stdout) == (0, "0 of 0 lost runs rescued\n")


def test_json_has_the_same(lost: str, fsm: Invoke) -> None:
    result = fsm("rescue", "--journal", lost, "--json")

    assert json.loads(result.stdout) == [
        {"run": "etl/report", "owner": "worker-1", "state": "Retrying", "skipped": None}
    ]


def test_a_run_of_another_class_is_left_alone(lost: str, fsm: Invoke) -> None:
    result = fsm("rescue", "shop:Order", "--journal", lost)

    assert result.exit_code == 0
    assert "skipped: its class is not loaded: fsm:TaskRun" in result.stdout
    assert "0 of 1 lost runs rescued" in result.stdout


def test_a_run_of_the_users_own_class_is_rescued_by_its_name(here: Path, fsm: Invoke) -> None:
    (here / "own.py").write_text("from fsm import TaskRun\n\n\nclass Own(TaskRun):\n    pass\n")
    with open_journal("runs.db") as kept:
        load("own:Own")("r", journal=kept).start()
        kept.claim(owner="w", run="r", lease=0)

    assert "0 of 1" in fsm("rescue", "--journal", "runs.db").stdout
    assert "now Retrying" in fsm("rescue", "own:Own", "fsm:TaskRun", "--journal", "runs.db").stdout


def test_a_target_that_is_not_there_rescues_nothing(lost: str, fsm: Invoke) -> None:
    result = fsm("rescue", "shop:Nope", "--journal", lost)

    assert result.exit_code != 0
    with open_journal(lost) as kept:
        assert kept.summary("etl/report").state == "Running"


def test_no_journal_is_2(here: Path, fsm: Invoke) -> None:
    assert fsm("rescue").exit_code == 2


def test_a_journal_that_is_not_there_is_1(here: Path, fsm: Invoke) -> None:
    result = fsm("rescue", "--journal", "nowhere.db")

    assert result.exit_code == 1
    assert "no journal is at 'nowhere.db'" in result.stderr


# What `fsm runs` shows of claims.


def test_runs_are_chosen_by_owner(lost: str, fsm: Invoke) -> None:
    runs = json.loads(fsm("runs", "--journal", lost, "--owner", "worker-1", "--json").stdout)

    assert [(run["run"], run["owner"]) for run in runs] == [("etl/report", "worker-1")]


@pytest.mark.parametrize(("older", "count"), [("1d", 3), ("90s", 3), ("0", 3), ("1.5h", 3)])
def test_runs_are_chosen_by_age(older: str, count: int, lost: str, fsm: Invoke) -> None:
    runs = json.loads(fsm("runs", "--journal", lost, "--older", older, "--json").stdout)

    assert len(runs) == count


def test_what_has_just_moved_is_not_old(here: Path, fsm: Invoke) -> None:
    with open_journal("runs.db") as kept:
        TaskRun("r", journal=kept).start()

    args = ("runs", "--journal", "runs.db", "--state", "Running", "--json")
    assert len(json.loads(fsm(*args).stdout)) == 1
    assert json.loads(fsm(*args, "--older", "10m").stdout) == []


@pytest.mark.parametrize("older", ["", "soon", "-1s", "10w", "nan", "99999999999s", "\u0661m"])
def test_an_odd_age_is_2(older: str, lost: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", lost, "--older", older)

    assert result.exit_code == 2
    assert "--older" in result.stderr


def test_a_too_long_duration_is_one_line_of_error(lost: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", lost, "--older", "999999999d")

    assert result.exit_code in (1, 2)
    assert "century" in result.stderr
    assert "Traceback" not in result.stderr
