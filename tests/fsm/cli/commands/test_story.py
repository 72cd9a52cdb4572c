"""fsm story."""

from __future__ import annotations

import json

import pytest

from ..conftest import HOSTILE, Invoke, Program, Spoil


def test_a_story_is_sentences(journal: str, fsm: Invoke) -> None:
    result = fsm("story", "etl/load", "--journal", journal)

    assert result.exit_code == 0
    assert result.stdout == (
        "etl/load is Success, 5 steps and 1.5 s after it began.\n"
        "Policy: it is retried once at most, at once; "
        "a lost worker is replaced 3 times at most.\n\n"
        "2020-01-01 00:00:00.000  attempt 1 of 2 started\n"
        "2020-01-01 00:00:01.500  it failed, after 1.5 s in Running: ValueError: no such file\n"
        "2020-01-01 00:00:01.500  a retry was scheduled\n"
        "2020-01-01 00:00:01.500  attempt 2 of 2 started\n"
        "2020-01-01 00:00:01.500  it succeeded\n\n"
        "It has finished.\n"
    )


def test_json_brings_the_same(journal: str, fsm: Invoke) -> None:
    data = json.loads(fsm("story", "etl/load", "--journal", journal, "--json").stdout)

    assert (data["run"], data["state"], data["class"]) == (
        "etl/load",
        "Success",
        "fsm:TaskRun",
    )
    assert [line["seq"] for line in data["lines"]] == [1, 2, 3, 4, 5]
    assert data["lines"][1]["at"] == "2020-01-01T00:00:01.500000+00:00"
    assert data["status"] == ["It has finished."]


def test_an_unknown_run_is_an_error(journal: str, fsm: Invoke) -> None:
    result = fsm("story", "etl/laod", "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr == (
        "error: no run 'etl/laod' in runs.db\nnote: did you mean 'etl/load'?\n"
    )


@pytest.mark.parametrize("run", HOSTILE)
def test_hostile_text_is_only_text(run: str, hostile_journal: str, fsm: Invoke) -> None:
    result = fsm("story", "--journal", hostile_journal, "--", run)

    assert result.exit_code == 0
    assert all(c.isprintable() or c == "\n" for c in result.stdout)
    assert "[red]A[/red]" in result.stdout


def test_a_run_of_classes_that_are_not_imported_has_its_story(
    journal: str, program: Program, spoil: Spoil
) -> None:
    spoil(
        journal,
        "INSERT INTO steps (run, seq, event, source, dest, micros, payload, phase) "
        "SELECT run, 2, 'quarantine', dest, 'Quarantined', micros, "
        """'{"type":"Quarantined","message":"hands off","reason":"x"}', 'other' """
        "FROM steps WHERE run = 'etl/report'",
    )

    result = program("story", "etl/report", "--journal", journal)

    assert result.returncode == 0
    assert result.stdout.splitlines()[-3:] == [
        "2020-01-01 00:00:03.500  quarantine led from Running to Quarantined: "
        "hands off; reason = x",
        "",
        "It stays in Quarantined until an event moves it.",
    ]


@pytest.mark.parametrize(
    "origin", ["null", "7", '{"settings": {"policy": {"x": [{}]}}}', "{", None]
)
def test_a_policy_that_cannot_be_read_is_left_out(
    origin: str | None, journal: str, fsm: Invoke, spoil: Spoil
) -> None:
    spoil(journal, "UPDATE steps SET origin = ? WHERE run = 'etl/report'", origin)

    result = fsm("story", "etl/report", "--journal", journal)

    assert result.exit_code == 0
    assert "Policy" not in result.stdout
