"""`fsm approve`, `resume`, `cancel` and `retry`: act on runs through the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsm import Journal, TaskRun, open_journal

from ..conftest import Invoke


@pytest.fixture
def waiting(journal: str) -> str:
    """The journal, and a run in it that waits for a person."""
    with open_journal(journal) as kept:
        TaskRun("deploy", journal=kept).pause(message="may I?")
    return journal


def steps(url: str, run: str) -> list[str]:
    with open_journal(url) as kept:
        return [record.event for record in kept.records(run)]


def restored(url: str, run: str) -> TaskRun:
    with open_journal(url) as kept:
        return TaskRun.restore(run, kept)


def test_a_paused_run_is_approved_by_name(waiting: str, fsm: Invoke) -> None:
    result = fsm("approve", "deploy", "--journal", waiting, "--by", "ada")

    assert (result.exit_code, result.stdout) == (0, "deploy: now Resume\n")
    state = restored(waiting, "deploy").state
    assert (state.message, state.context) == ("Approved by ada", {"approved_by": "ada"})


def test_the_login_name_approves_by_default(
    waiting: str, fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "grace")

    assert fsm("approve", "deploy", "--journal", waiting).exit_code == 0
    assert restored(waiting, "deploy").state.message == "Approved by grace"


def test_without_a_login_name_by_is_required(
    waiting: str, fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise KeyError("uid 4711")

    monkeypatch.setattr("getpass.getuser", unknown)

    result = fsm("approve", "deploy", "--journal", waiting)

    assert result.exit_code == 2
    assert "--by NAME" in result.stderr


def test_a_paused_run_is_resumed_with_a_message(waiting: str, fsm: Invoke) -> None:
    result = fsm("resume", "deploy", "--journal", waiting, "--message", "go")

    assert result.exit_code == 0
    assert restored(waiting, "deploy").state.message == "go"


def test_one_that_is_refused_does_not_stop_the_others(waiting: str, fsm: Invoke) -> None:
    result = fsm("cancel", "etl/load", "deploy", "etl/report", "deploy", "--journal", waiting)

    assert result.exit_code == 1
    assert result.stdout == "deploy: now Cancelled\netl/report: now Cancelled\n"
    assert result.stderr == (
        "error: etl/load: cannot cancel from Success; from Success one can cache\n"
    )


def test_an_unknown_run_suggests_a_similar_one(waiting: str, fsm: Invoke) -> None:
    result = fsm("cancel", "deplo", "--journal", waiting)

    assert result.exit_code == 1
    assert "error: deplo: no run 'deplo' in runs.db\nnote: did you mean 'deploy'?" in result.stderr


def test_json_has_the_same(waiting: str, fsm: Invoke) -> None:
    result = fsm("approve", "deploy", "etl/load", "--journal", waiting, "--by", "ada", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"run": "deploy", "state": "Resume", "refused": None, "kind": None, "hint": None},
        {
            "run": "etl/load",
            "state": None,
            "refused": "cannot approve from Success; only a Paused run waits for approval",
            "kind": "TransitionError",
            "hint": None,
        },
    ]


def failed(kept: Journal, id: str) -> None:
    run = TaskRun(id, journal=kept)
    run.start()
    run.fail()


def test_a_retry_against_the_policy_suggests_force(here: Path, fsm: Invoke) -> None:
    with open_journal("runs.db") as kept:
        failed(kept, "r")

    result = fsm("retry", "r", "--journal", "runs.db")

    assert result.exit_code == 1
    assert "1 of 1 attempts are used; --force retries it anyway" in result.stderr
    assert fsm("retry", "r", "--journal", "runs.db", "--force").stdout == "r: now Retrying\n"
    assert steps("runs.db", "r") == ["start", "fail", "rerun"]


def test_the_failed_children_are_run_again(here: Path, fsm: Invoke) -> None:
    with open_journal("runs.db") as kept:
        TaskRun("r", journal=kept).map(map_states=[None] * 2)
        failed(kept, "r[0]")
        TaskRun("r[1]", journal=kept).submit()

    result = fsm("retry", "r", "--failed-children", "--journal", "runs.db")

    assert (result.exit_code, result.stdout) == (0, "r[0]: now Retrying\n")


def test_a_class_that_is_named_is_told(here: Path, fsm: Invoke) -> None:
    (here / "own.py").write_text(
        "from fsm import TaskRun\n\n\nclass Own(TaskRun):\n    pass\n\n\n"
        "Own.after('cancel')(lambda run, step: open('told', 'w').close())\n"
    )
    with open_journal("runs.db") as kept:
        TaskRun("r", journal=kept).submit()

    assert fsm("cancel", "r", "--journal", "runs.db", "--as", "own:Own").exit_code == 0
    assert (here / "told").exists()


def test_nothing_is_imported_because_a_journal_says_so(here: Path, fsm: Invoke) -> None:
    (here / "own.py").write_text("from fsm import TaskRun\n\n\nclass Own(TaskRun):\n    pass\n")
    from fsm.cli.targets import load

    with open_journal("runs.db") as kept:
        load("own:Own")("r", journal=kept).submit()
    (here / "own.py").write_text("open('imported', 'w').close()\n")

    assert fsm("cancel", "r", "--journal", "runs.db").exit_code == 0
    assert not (here / "imported").exists()


@pytest.mark.parametrize("name", ["approve", "resume", "cancel", "retry"])
def test_no_run_is_2(name: str, waiting: str, fsm: Invoke) -> None:
    assert fsm(name, "--journal", waiting).exit_code == 2


@pytest.mark.parametrize("name", ["approve", "resume", "cancel", "retry"])
def test_a_journal_that_is_not_there_is_1(name: str, here: Path, fsm: Invoke) -> None:
    result = fsm(name, "r", "--journal", "nowhere.db")

    assert result.exit_code == 1
    assert "no journal is at 'nowhere.db'" in result.stderr
    assert not (here / "nowhere.db").exists()
