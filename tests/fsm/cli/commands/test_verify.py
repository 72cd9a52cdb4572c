"""fsm verify: what a journal holds, checked."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from fsm import open_journal

from ..conftest import Invoke, Program, Spoil


def test_a_sound_journal_is_0(journal: str, fsm: Invoke) -> None:
    result = fsm("verify", journal)

    assert (result.exit_code, result.stdout) == (0, "3 runs: no problems\n")


def test_the_environment_may_name_it(journal: str, fsm: Invoke) -> None:
    assert fsm("verify", FSM_JOURNAL=journal).exit_code == 0


def test_an_empty_journal_is_0(here: Path, fsm: Invoke) -> None:
    open_journal("runs.db").close()

    result = fsm("verify", "runs.db")

    assert (result.exit_code, result.stdout) == (0, "0 runs: no problems\n")


def test_a_damaged_journal_is_1_with_what_was_found(
    journal: str, fsm: Invoke, spoil: Spoil
) -> None:
    spoil(journal, "DELETE FROM steps WHERE run = 'etl/load' AND seq = 2")

    result = fsm("verify", journal)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (
        "run 'etl/load', step 3: stands where step 2 should be"
    )
    assert result.stdout.splitlines()[-1] == "3 runs: 4 problems"


def test_one_problem_is_singular(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil(journal, "UPDATE runs SET state = 'Failed' WHERE id = 'etl/clean'")

    result = fsm("verify", journal)

    assert result.stdout.splitlines() == [
        "run 'etl/clean': its row says Failed; its last step led to Cancelled",
        "3 runs: 1 problem",
    ]


def test_json_has_the_same(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil(journal, "UPDATE runs SET state = 'Failed' WHERE id = 'etl/clean'")

    result = fsm("verify", journal, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "runs": 3,
        "problems": [
            {
                "run": "etl/clean",
                "seq": None,
                "message": "its row says Failed; its last step led to Cancelled",
            }
        ],
    }


def test_a_missing_rule_is_found(journal: str, fsm: Invoke) -> None:
    connection = sqlite3.connect(journal)
    connection.execute("DROP TRIGGER steps_obey")
    connection.close()

    result = fsm("verify", journal)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "the rule steps_obey is missing"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nowhere.db", "no journal is at 'nowhere.db'"),
        ("shop.py", "shop.py: file is not a database"),
        (".", "is no file"),
        ("memory:", "ends with its process"),
        ("http://u:hunter2@host/x", "no journal is at 'http://u:***@host/x'"),
        ("postgresql://u:hunter2@/x?host=/nowhere", "cannot open the journal"),
    ],
)
def test_what_is_no_journal_is_an_error_in_one_line(
    url: str, said: str, here: Path, fsm: Invoke
) -> None:
    result = fsm("verify", url)

    assert result.exit_code == 1
    assert said in result.stderr
    assert "hunter2" not in result.stderr
    _, *notes = result.stderr.splitlines()
    assert all(note.startswith("note: ") for note in notes)


def test_a_hostile_journal_does_not_take_over_the_terminal(
    hostile_journal: str, program: Program
) -> None:
    result = program("verify", hostile_journal)

    assert result.returncode == 1
    assert "\x1b" not in result.stdout
    assert "Traceback" not in result.stderr


def test_no_journal_is_2(here: Path, fsm: Invoke) -> None:
    assert fsm("verify").exit_code == 2
