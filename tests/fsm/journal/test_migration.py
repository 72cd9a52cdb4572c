"""Migration: SQLite files of versions 1 and 2 are upgraded, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from fsm import JournalError, MemoryJournal, TaskRun, TransitionNotAllowed
from fsm.journal.sqlite import schema
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.operations import verify
from fsm.testing import HandClock

# As the first release wrote it.
VERSION_1 = """
CREATE TABLE steps (
    run     TEXT    NOT NULL CHECK (length(run) BETWEEN 1 AND 200),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    origin  TEXT    CHECK (origin IS NULL OR json_valid(origin)),
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 0x52554E53;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


@pytest.fixture
def known(clock: HandClock) -> MemoryJournal:
    """What the old file holds: runs that wait, run, failed, and are done."""
    journal = MemoryJournal()

    def make(id: str, *events: str, **settings: Any) -> None:
        run = TaskRun(id, journal=journal, clock=clock, **settings)
        for event in events:
            run.trigger(event)
            clock.advance(seconds=1)

    make("done", "start", "succeed")
    make("failed", "start", "fail", max_retries=2)
    make("load", "map")
    make("load[1]", "start")
    make("retried", "start", "fail", "retry", max_retries=2, retry_delay=60)
    make("timed", "start", timeout=30)
    make("kept", "start", "succeed", "cache", cache_for=60)
    make("looped", "start", "loop")
    return journal


@pytest.fixture
def old(path: Path, known: MemoryJournal) -> Path:
    """A file of version 1."""
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    for run in known.runs():
        for record in known.records(run.run):
            connection.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)", record[:8])
    connection.commit()
    connection.close()
    return path


def contents(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    steps = connection.execute("SELECT * FROM steps").fetchall()
    connection.close()
    return [version, tables, steps]


def test_histories_are_upgraded(
    old: Path, known: MemoryJournal, written: Callable[[Any], Any]
) -> None:
    with SQLiteJournal(old) as journal:
        for run in known.runs():
            assert [written(step) for step in journal.steps(run.run)] == [
                written(step) for step in known.steps(run.run)
            ]
            assert TaskRun.restore(run.run, journal).state == known_state(known, run.run)


def known_state(known: MemoryJournal, run: str) -> Any:
    return list(known.steps(run))[-1].dest


def test_runs_are_as_they_were(old: Path, known: MemoryJournal) -> None:
    with SQLiteJournal(old) as journal:
        found = list(journal.runs())

    # Version 1 did not say what they are runs of.
    assert found == [attrs.evolve(run, kind="") for run in known.runs()]


def test_upgraded_runs_are_due_and_recovered(
    old: Path, known: MemoryJournal, clock: HandClock
) -> None:
    later = clock().add(hours=1)
    with SQLiteJournal(old) as journal:
        assert [run.run for run in journal.due(later)] == [run.run for run in known.due(later)]
        assert [run.run for run in journal.recover()] == [run.run for run in known.recover()]
        assert [run.run for run in journal.children("load")] == ["load[1]"]
        assert [claim.run for claim in journal.claim(9, owner="w", now=later)] == ["retried"]


def test_an_upgraded_journal_is_sound(old: Path) -> None:
    with SQLiteJournal(old) as journal:
        assert list(verify(journal)) == []


def test_upgraded_runs_go_on(old: Path, clock: HandClock) -> None:
    with SQLiteJournal(old) as journal:
        run = TaskRun.restore("failed", journal, clock=clock)
        run.retry()
        run.start()
        run.succeed()

        assert journal.summary("failed").state == "Success"
        assert list(verify(journal)) == []


def test_the_rules_hold_for_upgraded_rows(old: Path) -> None:
    SQLiteJournal(old).close()

    connection = sqlite3.connect(old)
    with pytest.raises(sqlite3.IntegrityError, match="a step is never changed"):
        connection.execute("UPDATE steps SET dest = 'Success'")
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_a_state_of_an_unknown_class_is_upgraded(old: Path, spoil: Any) -> None:
    spoil(
        old, """UPDATE steps SET dest = 'Nope', payload = '{"type": "Nope"}' WHERE run = 'timed'"""
    )

    with SQLiteJournal(old) as journal:
        assert journal.summary("timed").state == "Nope"
        assert journal.summary("timed").phase == "other"
        assert list(verify(journal)) == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(old)

    def fails(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema, "_stamp", fails)
    with pytest.raises(JournalError, match="cannot open the journal"):
        SQLiteJournal(old)

    assert contents(old) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("at", ["_complete", "_stamp"])
def test_a_migration_that_is_killed_leaves_the_file_as_it_was(
    at: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(old)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(schema, at, lambda *_: os._exit(9))
        try:
            SQLiteJournal(old)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 9
    assert contents(old) == before
    with SQLiteJournal(old) as journal:
        assert list(verify(journal)) == []


def test_a_newer_version_is_refused_untouched(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = contents(old)

    with pytest.raises(JournalError, match="version 99; this release reads version"):
        SQLiteJournal(old)

    assert contents(old) == before


def test_a_file_of_version_2_is_upgraded_to_keep_refusals(path: Path, known: MemoryJournal) -> None:
    with SQLiteJournal(path) as journal:
        for run in known.runs():
            journal.extend(known.steps(run.run), TaskRun)
        runs = list(journal.runs())
    connection = sqlite3.connect(path)  # all that version 3 has and version 2 had not
    connection.executescript("DROP TABLE refusals; PRAGMA user_version = 2")
    connection.close()

    with SQLiteJournal(path) as journal:
        assert list(journal.runs()) == runs
        with pytest.raises(TransitionNotAllowed):
            TaskRun.restore("failed", journal).resume()
        assert [each.event for each in journal.refusals("failed")] == ["resume"]
        assert list(verify(journal)) == []
