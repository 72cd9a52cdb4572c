"""fsm runs, and the journals it is pointed at."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click import unstyle

from fsm import open_journal

from ..conftest import HOSTILE, Invoke, Program


def test_each_run_is_a_line(journal: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", journal)

    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.stdout.splitlines()] == [
        ["RUN", "STATE", "STEPS"],
        ["etl/load", "Success", "5"],
        ["etl/clean", "Cancelled", "1"],
        ["etl/report", "Running", "1"],
    ]


@pytest.mark.parametrize("url", ["sqlite:///runs.db", "./runs.db"])
def test_a_journal_is_named_by_url_or_path(url: str, journal: str, fsm: Invoke) -> None:
    assert len(fsm("runs", "--journal", url).stdout.splitlines()) == 4


def test_the_environment_may_name_it(journal: str, fsm: Invoke) -> None:
    assert len(fsm("runs", FSM_JOURNAL=journal).stdout.splitlines()) == 4


def test_states_may_be_chosen(journal: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", journal, "--state", "Running", "--state", "Success", "--json")

    assert [run["run"] for run in json.loads(result.stdout)] == ["etl/load", "etl/report"]


def test_a_state_without_runs_is_an_empty_list(journal: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", journal, "--state", "Failed", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == []


def test_a_misspelt_state_is_2(journal: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", journal, "--state", "Runing")

    assert result.exit_code == 2
    assert "no state is called 'Runing' (did you mean 'Running'?)" in result.stderr


@pytest.mark.parametrize(("limit", "count"), [("0", 0), ("2", 2), ("9", 3)])
def test_a_limit_keeps_the_last(limit: str, count: int, journal: str, fsm: Invoke) -> None:
    runs = json.loads(fsm("runs", "--journal", journal, "--limit", limit, "--json").stdout)

    assert [run["run"] for run in runs] == ["etl/load", "etl/clean", "etl/report"][3 - count :]


def test_json_says_what_is_known(journal: str, fsm: Invoke) -> None:
    runs = json.loads(fsm("runs", "--journal", journal, "--json").stdout)

    assert runs[0] == {
        "run": "etl/load",
        "state": "Success",
        "message": "Task run succeeded.",
        "steps": 5,
        "began": "2020-01-01T00:00:00+00:00",
        "moved": "2020-01-01T00:00:01.500000+00:00",
        "class": "fsm:TaskRun",
        "owner": None,
        "lease": None,
        "wakes": None,
        "parent": None,
        "child": None,
    }


def test_a_terminal_says_how_many_runs_are_not_shown(journal: str, terminal: Invoke) -> None:
    result = terminal("runs", "--journal", journal, "--limit", "1")

    assert "●" in result.stdout
    assert result.stdout.endswith("the last 1 of 3 runs\n")
    assert "BEGAN" not in result.stdout
    assert "BEGAN" in terminal("runs", "--journal", journal, width=160).stdout


@pytest.mark.parametrize("width", [None, 30, 80, 200])
def test_hostile_text_is_only_text(
    width: int | None, hostile_journal: str, fsm: Invoke, terminal: Invoke
) -> None:
    args = ("runs", "--journal", hostile_journal)
    result = fsm(*args) if width is None else terminal(*args, width=width)

    assert result.exit_code == 0
    text = unstyle(result.stdout)
    assert all(c.isprintable() or c == "\n" for c in text)
    for shown in ("[red]x[/red]", "\\x1b[31mred\\x1b[0m", "two\\nlines", ":smile:", "rtl\\u202eab"):
        assert shown in text


def test_hostile_text_survives_json(hostile_journal: str, fsm: Invoke) -> None:
    result = fsm("runs", "--journal", hostile_journal, "--json")

    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert {run["run"] for run in json.loads(result.stdout)} >= set(HOSTILE)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("none.db", "no journal is at 'none.db'"),
        ("sqlite:///none.db", "no journal is at 'none.db'"),
        (
            "text.db",
            "cannot open the journal in text.db: file is not a database\nnote: it is damaged "
            "or was never a journal; make a copy before you try to repair it",
        ),
        ("empty.db", "'empty.db' is empty, so not a journal"),
        ("folder", "'folder' is no file, so not a journal"),
        ("other.db", "other.db is a database, but not a journal; name another file"),
        ("memory:", "memory: ends with its process, so nothing is there; name a file"),
        (
            "mongo://x",
            "no journal is at 'mongo://x'; "
            "use memory:, sqlite:///FILE, the path of a file, or postgresql://USER@HOST/NAME",
        ),
    ],
)
def test_what_is_no_journal_is_an_error_and_unchanged(
    url: str, error: str, here: Path, fsm: Invoke
) -> None:
    (here / "text.db").write_text("These are not the runs you are looking for.")
    (here / "empty.db").touch()
    (here / "folder").mkdir()
    connection = sqlite3.connect("other.db")
    connection.execute("CREATE TABLE birds (name TEXT)")
    connection.commit()
    connection.close()
    before = {path: path.is_file() and path.stat().st_size for path in here.iterdir()}

    for args in (["runs"], ["history", "x"], ["diagram", "--run", "x"]):
        result = fsm(*args, "--journal", url)

        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr == f"error: {error}\n"
    after = {path: path.is_file() and path.stat().st_size for path in here.iterdir()}
    assert after == before


def test_no_name_is_no_journal(here: Path, fsm: Invoke) -> None:
    assert fsm("runs", "--journal", "").exit_code != 0
    assert sorted(path.name for path in here.iterdir()) == ["shop.py"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has a file like that")
def test_a_file_that_only_the_system_can_make_sense_of_is_an_error(fsm: Invoke) -> None:
    result = fsm("runs", "--journal", "/proc/self/mem")

    assert result.exit_code == 1
    assert result.stderr == "error: '/proc/self/mem' is empty, so not a journal\n"


def test_a_torn_journal_is_an_error(journal: str, here: Path, program: Program) -> None:
    with (here / journal).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)

    result = program("runs", "--journal", journal)

    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot ")
    assert result.stderr.splitlines()[1:] == [
        "note: it is damaged or was never a journal; make a copy before you try to repair it"
    ]


def test_many_runs_reach_a_terminal_quickly(
    journal: str, terminal: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm.cli.printing._MOST_ROWS", 2)

    lines = terminal("runs", "--journal", journal).stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["RUN", "etl/load", "etl/clean", "etl/report"]


@pytest.mark.parametrize(
    ("run", "note"),
    [
        ("etl/laod", "did you mean 'etl/load'?"),
        ("etl", "did you mean 'etl/load'?"),
        ("zzz", "fsm runs lists the runs it has"),
        ("", "fsm runs lists the runs it has"),
    ],
)
def test_a_run_that_is_not_there_is_found_by_what_is(
    run: str, note: str, journal: str, fsm: Invoke
) -> None:
    result = fsm("history", run, "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr == f"error: no run {run!r} in runs.db\nnote: {note}\n"


def test_a_journal_without_runs_says_so(here: Path, fsm: Invoke) -> None:
    open_journal("new.db").close()

    assert fsm("story", "x", "--journal", "new.db").stderr.endswith("\nnote: it has no runs yet\n")
