"""fsm history."""

from __future__ import annotations

import json

import pytest
from click import unstyle

from fsm import Policy, Retry, TaskRun, Timeout, open_journal

from ..conftest import HOSTILE, Invoke, Program, Spoil


def test_each_step_is_a_line(journal: str, fsm: Invoke) -> None:
    result = fsm("history", "etl/load", "--journal", journal)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:4] == [
        "  1  2020-01-01 00:00:00.000  start    Pending → Running   Starting task run.",
        "  2  2020-01-01 00:00:01.500  fail     Running → Failed    "
        "Unexpected error: ValueError('no such file')",
        "  3  2020-01-01 00:00:01.500  retry    Failed → Retrying   "
        "Retrying Task (after attempt 1 of 2)",
    ]


def test_a_terminal_sees_where_the_run_is(journal: str, terminal: Invoke) -> None:
    long = unstyle(terminal("history", "etl/load", "--journal", journal).stdout)
    short = unstyle(terminal("history", "etl/clean", "--journal", journal).stdout)

    assert long.startswith("etl/load  Success after 5 steps, 2020-01-01\n")
    assert short.startswith("etl/clean  Cancelled after 1 step, 2020-01-01\n")


def test_json_brings_the_payloads(journal: str, fsm: Invoke) -> None:
    data = json.loads(fsm("history", "etl/load", "--journal", journal, "--json").stdout)

    assert (data["run"], data["state"]) == ("etl/load", "Success")
    assert data["settings"]["policy"]["max_retries"] == 1
    assert data["began"]["type"] == "Pending"
    assert [step["seq"] for step in data["steps"]] == [1, 2, 3, 4, 5]
    assert data["steps"][1]["at"] == "2020-01-01T00:00:01.500000+00:00"
    assert data["steps"][-1]["payload"]["type"] == "Success"
    assert data["steps"][-1]["payload"]["_result"]["value"] == 42


def test_a_policy_is_shown_where_it_is_not_the_usual_one(
    journal: str, fsm: Invoke, terminal: Invoke
) -> None:
    kept = open_journal(journal)
    retry = Retry(3, 90, backoff=1.5, on=[ConnectionError, TimeoutError])
    TaskRun("etl/fetch", journal=kept, policy=Policy(retry, Timeout(31_536_000))).start()
    kept.close()
    args = ("history", "etl/fetch", "--journal", journal)

    said = (
        "policy: max_retries=3 retry_backoff=1.5 retry_delay=90 "
        "retry_on=ConnectionError,TimeoutError timeout=31536000"
    )
    assert fsm(*args).stdout.splitlines()[-1] == said
    assert unstyle(terminal(*args).stdout).splitlines()[-1] == said
    assert json.loads(fsm(*args, "--json").stdout)["policy"] == {
        "max_retries": 3,
        "retry_delay": 90.0,
        "timeout": 31_536_000.0,
        "retry_backoff": 1.5,
        "retry_on": ["ConnectionError", "TimeoutError"],
    }


def test_the_usual_policy_is_not_worth_a_line(journal: str, fsm: Invoke) -> None:
    args = ("history", "etl/clean", "--journal", journal)

    assert "policy" not in fsm(*args).stdout
    assert json.loads(fsm(*args, "--json").stdout)["policy"] == {}


@pytest.mark.parametrize("policy", ["null", "7", '{"x\\u001b[2J": ["\\u009b"]}', "{", None])
def test_a_policy_of_another_program_is_only_text(
    policy: str | None, journal: str, fsm: Invoke, spoil: Spoil
) -> None:
    origin = None if policy is None else f'{{"settings": {{"policy": {policy}}}}}'
    spoil(journal, "UPDATE steps SET origin = ? WHERE run = 'etl/report'", origin)

    result = fsm("history", "etl/report", "--journal", journal)

    assert result.exit_code == 0
    assert all(c.isprintable() or c == "\n" for c in result.stdout)


def test_an_unknown_run_is_an_error(journal: str, fsm: Invoke) -> None:
    result = fsm("history", "etl/laod", "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr == (
        "error: no run 'etl/laod' in runs.db\nnote: did you mean 'etl/load'?\n"
    )


@pytest.mark.parametrize("run", ["", "x" * 5000, "\udcff\x1b[31m", "x\0y", "' OR 1=1 --"])
def test_an_id_that_none_can_have_is_unknown(run: str, journal: str, fsm: Invoke) -> None:
    result = fsm("history", "--journal", journal, "--", run)

    assert result.exit_code == 1
    assert result.stderr.startswith("error: no run ")
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("run", HOSTILE)
def test_hostile_text_is_only_text(
    run: str, hostile_journal: str, fsm: Invoke, terminal: Invoke
) -> None:
    for result in (
        fsm("history", "--journal", hostile_journal, "--", run),
        terminal("history", "--journal", hostile_journal, "--", run, width=80),
        terminal("history", "--journal", hostile_journal, "--", run, width=200),
    ):
        assert result.exit_code == 0
        text = unstyle(result.stdout)
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "[red]A[/red]" in text


def test_hostile_text_survives_json(hostile_journal: str, fsm: Invoke) -> None:
    result = fsm("history", "two\nlines", "--journal", hostile_journal, "--json")

    data = json.loads(result.stdout)
    assert result.stdout.isascii()
    assert data["run"] == data["state"] == "two\nlines"
    assert data["steps"][0]["message"].startswith("[red]A[/red] \x1b[2J\nB")


def test_a_history_of_classes_that_are_not_imported_is_shown(
    journal: str, program: Program, spoil: Spoil
) -> None:
    spoil(
        journal,
        "INSERT INTO steps (run, seq, event, source, dest, micros, payload, phase) "
        "SELECT run, 2, 'quarantine', dest, 'Quarantined', micros, "
        """'{"type":"Quarantined","message":"hands off","reason":"x"}', 'other' """
        "FROM steps WHERE run = 'etl/report'",
    )

    result = program("history", "etl/report", "--journal", journal)

    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].endswith("quarantine  Running → Quarantined  hands off")


def test_half_a_character_is_only_text(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil(journal, """UPDATE steps SET payload = '{"message": "\\ud800"}'""")

    args = ("history", "etl/report", "--journal", journal)
    assert fsm(*args).stdout.endswith("Pending → Running  \\ud800\n")
    assert json.loads(fsm(*args, "--json").stdout)["steps"][0]["message"] == "\ud800"


def test_a_narrow_terminal_shows_the_day_once(journal: str, terminal: Invoke) -> None:
    narrow = terminal("history", "etl/load", "--journal", journal).stdout
    wide = terminal("history", "etl/load", "--journal", journal, width=160).stdout

    assert narrow.count("2020-01-01") == 1
    assert wide.count("2020-01-01") == 6


def test_a_long_history_shows_its_days(journal: str, terminal: Invoke, spoil: Spoil) -> None:
    spoil(journal, "UPDATE steps SET micros = micros + 86400000000 WHERE seq > 2")

    text = terminal("history", "etl/load", "--journal", journal).stdout

    assert "after 5 steps, 2020-01-01 to 2020-01-02\n" in text
    assert text.count("2020-01-02 00:00:01") == 3


@pytest.mark.parametrize("payload", ["{", "[]", "42", "null", '"x"'])
def test_a_payload_that_is_none_is_an_error(
    payload: str, journal: str, fsm: Invoke, spoil: Spoil
) -> None:
    spoil(journal, "UPDATE steps SET payload = ? WHERE run = 'etl/report'", payload)

    result = fsm("history", "etl/report", "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr == "error: run 'etl/report', step 1 has no readable payload\n"


def test_a_time_out_of_this_world_is_an_error(journal: str, fsm: Invoke, spoil: Spoil) -> None:
    spoil(journal, "UPDATE steps SET micros = 9223372036854775807")
    spoil(journal, "UPDATE runs SET moved = 9223372036854775807")

    for args in (["history", "etl/report"], ["runs"], ["runs", "--json"]):
        result = fsm(*args, "--journal", journal)

        assert result.exit_code == 1
        assert "outside of years 1 to 9999" in result.stderr
