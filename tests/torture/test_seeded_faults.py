"""Take each guard out, and one of the tests beside this one must notice: they have teeth."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fsm import JournalError, TaskRun
from fsm.journal.postgres import schema as postgres
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal

from . import (
    test_answer,
    test_claims,
    test_disk_faults,
    test_kill,
    test_late,
    test_power,
    test_rules,
)
from .child import Child
from .faulty import KINDS, FaultyDisk
from .tampered import Tampered
from .test_answer import wire
from .test_disk_faults import disk
from .test_power import folder

__all__ = ["disk", "folder", "wire"]

noticed = pytest.raises(AssertionError)

# The same guards as in `tampered`, in PostgreSQL's words.
POSTGRES = {
    "version check": {
        "stands.version <> NEW.seq - 1 OR stands.state <> NEW.source": "FALSE",
        "PRIMARY KEY (run, seq),": "PRIMARY KEY (run, seq, dest),",
        "FOREIGN KEY (run, seq) REFERENCES steps (run, seq)": "CHECK (TRUE)",
    },
    "epoch check": {"NEW.epoch <> stands.epoch": "FALSE"},
    "edges rule": {"stands.kind <> '' AND NOT EXISTS": "FALSE AND NOT EXISTS"},
    "append-only": {"BEFORE UPDATE OR DELETE ON steps": "BEFORE UPDATE OR DELETE ON edges"},
}


@pytest.fixture(params=["sqlite", "postgres"])
def without(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Any:
    """The maker of journals without a guard that the database keeps; and where they are."""

    def make(guard: str) -> tuple[Any, str]:
        if request.param == "sqlite":
            url = str(tmp_path / "runs.db")
            return Tampered(url, guard), url
        url = request.getfixturevalue("database")
        schema = postgres.SCHEMA
        for old, new in POSTGRES[guard].items():
            assert old in schema, f"{old!r} is no longer what the {guard} says"
            schema = schema.replace(old, new)
        monkeypatch.setattr(postgres, "SCHEMA", schema)
        return SQLJournal(url), url

    return make


def test_the_version_check_is_missed(without: Any) -> None:
    journal, url = without("version check")
    second = SQLJournal(url) if isinstance(journal, SQLJournal) else SQLiteJournal(url)

    with journal, second, noticed:
        test_rules.one_of_two_writers_wins(journal, second)


def test_the_epoch_check_is_missed(without: Any) -> None:
    journal, url = without("epoch check")

    with journal, pytest.raises(AssertionError, match="succeeded"):
        test_late.a_superseded_claim_writes_nothing(journal, url)


def test_the_edges_rule_is_missed(without: Any) -> None:
    journal, url = without("edges rule")

    with journal, pytest.raises(AssertionError, match="this was done"):
        test_rules.an_illegal_step_is_refused(journal, url)


def test_append_only_is_missed(without: Any) -> None:
    journal, url = without("append-only")

    with journal, pytest.raises(AssertionError, match="this was done"):
        test_rules.a_step_is_never_changed(journal, url)


def test_the_single_transaction_is_missed_when_the_power_is_cut(folder: Path) -> None:
    with pytest.raises((AssertionError, JournalError)):
        test_power.lives(folder, random.Random(1), 400, without="single transaction")


def test_the_single_transaction_is_missed_when_a_process_is_killed(tmp_path: Path) -> None:
    rng, lives = random.Random(1), test_kill.lives_of_one_file

    def kill(nursery: Child) -> None:
        for number in range(20):
            lives(nursery, tmp_path / f"{number}.db", rng, 10, without="single transaction")

    with Child("nursery") as nursery, pytest.raises((AssertionError, JournalError)):
        kill(nursery)


def test_begin_immediate_is_missed(tmp_path: Path) -> None:
    def race() -> None:
        for number in range(20):
            test_claims.opened_at_once(str(tmp_path / f"{number}.db"), "BEGIN IMMEDIATE")

    with pytest.raises(AssertionError, match=r"locked|already exists"):
        race()


def test_the_question_after_a_lost_answer_is_missed(wire: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(SQLJournal, "_is_ours", lambda *given: False)

    with SQLJournal(wire.url, patience=5.0) as journal:
        TaskRun("warm", journal=journal).start()
        with pytest.raises(Exception, match="is already start"):
            test_answer.test_a_step_is_kept_once_wherever_the_wire_is_cut(wire, journal)


def test_the_admission_of_doubt_is_missed(folder: Path, disk: FaultyDisk, monkeypatch: Any) -> None:
    def sure(journal: Any, connection: sqlite3.Connection, what: str) -> None:
        connection.execute("COMMIT")

    monkeypatch.setattr(SQLiteJournal, "_commit", sure)

    with noticed:
        test_disk_faults.test_a_fault_of_the_disk_is_a_clean_error(
            folder, disk, test_disk_faults.a_step, next(iter(KINDS)), 1
        )
