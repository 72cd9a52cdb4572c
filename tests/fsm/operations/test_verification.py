"""`verify` finds what cannot be in a journal, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fsm import CorruptJournal, JournalError, TaskRun
from fsm.errors import InvalidArgument
from fsm.journal import Journal
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.operations import Problem, verify
from fsm.testing import HandClock

from ...postgres import as_libpq

Spoil = Callable[..., None]


def fill(journal: Journal, clock: HandClock) -> None:
    """Runs of every kind: claimed, finished, looping, under a key, with children."""
    run = TaskRun("r", journal=journal, clock=clock, max_retries=3)
    run.start()
    run.fail(message="m", result=ValueError("x"))
    (claim,) = journal.claim(run="r", owner="w", now=clock())
    mine = TaskRun.restore("r", claim, clock=clock)
    mine.retry()
    mine.once("request", "start")
    TaskRun("done", journal=journal, clock=clock).skip()
    TaskRun("load[0]", journal=journal, clock=clock).start()
    looped = TaskRun("loops", journal=journal, clock=clock, timeout=5)
    for event in ("start", "loop", "iterate", "start"):
        looped.trigger(event)
        clock.advance(seconds=1)


def test_a_sound_journal_has_no_problems(journal: Journal, clock: HandClock) -> None:
    fill(journal, clock)

    assert list(verify(journal)) == []


def test_an_empty_journal_has_no_problems(journal: Journal) -> None:
    assert list(verify(journal)) == []


COPY = "INSERT INTO steps (run, seq, event, source, dest, micros, payload, phase) SELECT run, {}"
REST = "event, source, dest, micros, payload, phase FROM steps WHERE run = 'r' AND seq = 2"
DAMAGE = {
    "a gap": ("DELETE FROM steps WHERE run = 'r' AND seq = 2", "stands where step 2 should be"),
    "a lost end": (
        "DELETE FROM steps WHERE run = 'r' AND seq = 4",
        "its row counts 4 steps; the last is step 3",
    ),
    "a step too many": (COPY.format(5) + ", " + REST, "its row counts 4 steps; the last is step 5"),
    "a run without steps": (
        "DELETE FROM steps WHERE run = 'r'",
        "its row counts 4 steps; there are none",
    ),
    "steps without a run": ("DELETE FROM runs WHERE id = 'r'", "run 'r' has steps, but no row"),
    "a fork": (
        "UPDATE steps SET source = 'Pending' WHERE run = 'r' AND seq = 2",
        "leads out of Pending, but the run was Running",
    ),
    "an illegal edge": (
        "UPDATE steps SET event = 'succeed' WHERE run = 'r' AND seq = 2",
        "succeed: Running → Failed is no edge of fsm:TaskRun",
    ),
    "an unknown event": (
        "UPDATE steps SET event = 'explode' WHERE run = 'r' AND seq = 1",
        "explode: Pending → Running is no edge",
    ),
    "a damaged payload": (
        "UPDATE steps SET payload = '{}' WHERE run = 'r' AND seq = 2",
        "leads to Failed, but its payload is damaged",
    ),
    "another payload": (
        """UPDATE steps SET payload = '{"type": "Success"}' WHERE run = 'r' AND seq = 2""",
        "leads to Failed, but its payload is Success",
    ),
    "a damaged origin": (
        "UPDATE steps SET origin = '{}' WHERE run = 'r' AND seq = 1",
        "its origin is another state or damaged",
    ),
    "a row of another state": (
        "UPDATE runs SET state = 'Success' WHERE id = 'r'",
        "its row says Success; its last step led to Running",
    ),
    "a row of another count": (
        "UPDATE runs SET version = 9 WHERE id = 'r'",
        "its row counts 9 steps; the last is step 4",
    ),
    "a row of another time": ("UPDATE runs SET moved = 5 WHERE id = 'r'", "another time or phase"),
    "a row of another phase": (
        "UPDATE runs SET phase = 'finished' WHERE id = 'r'",
        "another time or phase",
    ),
    "a row that is due": ("UPDATE runs SET due = 7 WHERE id = 'r'", "another time or phase"),
    "a claim undone": (
        "UPDATE runs SET epoch = 0 WHERE id = 'r'",
        "its row says claim 0; a step was made under claim 1",
    ),
    "an old claim": (
        "UPDATE steps SET epoch = 7 WHERE run = 'r' AND seq = 3",
        "made under claim 1, after a step under claim 7",
    ),
}


def spoil_postgres(url: str, statement: str) -> None:
    with psycopg.connect(as_libpq(url)) as connection:
        connection.execute("SET search_path TO runstates")
        for table in ("runs", "steps"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in ("steps_run_fkey", "outbox_run_seq_fkey"):
            owner = table.split("_")[0]
            connection.execute(f"ALTER TABLE {owner} DROP CONSTRAINT {table}")
        connection.execute(statement)
        for table in ("runs", "steps"):
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_kind_of_damage_is_found_in_sqlite(
    damage: str, tmp_path: Path, clock: HandClock, spoil: Spoil
) -> None:
    statement, said = DAMAGE[damage]
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        fill(journal, clock)
    spoil(journal.path, statement)

    problems = list(verify(journal))

    assert any(said in problem.message for problem in problems), problems
    assert all(problem.run in ("r", None) for problem in problems)
    journal.close()


@pytest.mark.parametrize("damage", ["a gap", "an illegal edge", "steps without a run", "a fork"])
def test_each_kind_of_damage_is_found_in_postgres(
    damage: str, database: str, clock: HandClock
) -> None:
    statement, said = DAMAGE[damage]
    with SQLJournal(database) as journal:
        fill(journal, clock)
        spoil_postgres(database, statement)

        problems = list(verify(journal))

    assert any(said in problem.message for problem in problems), problems


RULES = ["steps_obey", "steps_move", "steps_stand", "steps_stay"]


@pytest.mark.parametrize("rule", [*RULES, "runs_begin", "runs_follow", "runs_fence", "runs_stay"])
def test_a_missing_rule_is_found_in_sqlite(rule: str, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        connection = sqlite3.connect(journal.path)
        connection.execute(f"DROP TRIGGER {rule}")
        connection.close()

        assert list(verify(journal)) == [Problem(None, None, f"the rule {rule} is missing")]


def test_a_rule_that_was_replaced_is_found(tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        connection = sqlite3.connect(journal.path)
        connection.execute("DROP TRIGGER steps_obey")
        connection.execute("CREATE TRIGGER steps_obey BEFORE INSERT ON steps BEGIN SELECT 1; END")
        connection.close()

        assert list(verify(journal)) == [Problem(None, None, "the rule steps_obey is not ours")]


@pytest.mark.parametrize("rule", [*RULES, "runs_follow"])
@pytest.mark.parametrize("how", ["DROP TRIGGER {0} ON {1}", "ALTER TABLE {1} DISABLE TRIGGER {0}"])
def test_a_missing_rule_is_found_in_postgres(rule: str, how: str, database: str) -> None:
    with SQLJournal(database) as journal:
        with psycopg.connect(as_libpq(database)) as connection:
            connection.execute(how.format(rule, f"runstates.{rule.split('_')[0]}"))

        assert list(verify(journal)) == [Problem(None, None, f"the rule {rule} is missing")]


def test_a_problem_names_its_run_and_step(tmp_path: Path, clock: HandClock, spoil: Spoil) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        fill(journal, clock)
        spoil(journal.path, DAMAGE["a damaged payload"][0])

        (problem,) = verify(journal)

    assert str(problem) == "run 'r', step 2: leads to Failed, but its payload is damaged"
    with pytest.raises(CorruptJournal):
        TaskRun.restore("r", journal)
    journal.close()


def test_a_malformed_file_is_an_error(tmp_path: Path, clock: HandClock) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        fill(journal, clock)
    content = bytearray(journal.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    journal.path.write_bytes(content)

    with pytest.raises(JournalError, match="malformed"):
        list(verify(journal))
    journal.close()


@pytest.mark.parametrize("odd", [None, "runs.db", 5], ids=repr)
def test_verifying_something_else_than_a_journal_is_an_error(odd: Any) -> None:
    with pytest.raises(InvalidArgument, match="a journal is what open_journal"):
        list(verify(odd))
