"""What the database itself refuses, whoever writes: forks, illegal edges, changes of what was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fsm import Journal, StaleRun, TaskRun, open_journal
from fsm.operations import verify

from ..postgres import as_libpq

REFUSALS = (sqlite3.IntegrityError, psycopg.IntegrityError)
ILLEGAL = """
INSERT INTO steps (run, seq, event, source, dest, micros, payload, phase)
SELECT run, 2, 'succeed', dest, 'Success', micros, payload, 'finished' FROM steps WHERE run = 'r'
"""
CHANGES = ["UPDATE steps SET dest = 'Success'", "DELETE FROM steps"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        given: str = request.getfixturevalue("database")
        return given
    return str(tmp_path / "runs.db")


@contextmanager
def raw(url: str) -> Iterator[Any]:
    """The database itself, past the journal."""
    if url.startswith("postgresql"):
        with psycopg.connect(as_libpq(url), options="-c search_path=runstates") as connection:
            yield connection
    else:
        with closing(sqlite3.connect(url)) as connection, connection:
            yield connection


def refuses(url: str, statement: str) -> None:
    said = ""
    try:
        with raw(url) as connection:
            connection.execute(statement)
    except REFUSALS as error:
        said = str(error)
    assert "fsm: " in said, f"this was done: {statement} {said}"


def one_of_two_writers_wins(first: Journal, second: Journal) -> None:
    """Two processes have restored one run, and both move it: to different ends."""
    TaskRun("r", journal=first).start()
    one, other = TaskRun.restore("r", first), TaskRun.restore("r", second)

    one.succeed()
    try:
        other.cancel()
    except StaleRun:
        pass

    assert [record.dest for record in second.records("r")] == ["Running", "Success"]
    assert not list(verify(second))


def an_illegal_step_is_refused(journal: Journal, url: str) -> None:
    TaskRun("r", journal=journal).schedule()

    refuses(url, ILLEGAL)

    assert not list(verify(journal))


def a_step_is_never_changed(journal: Journal, url: str) -> None:
    TaskRun("r", journal=journal).start()

    for change in CHANGES:
        refuses(url, change)

    assert [record.dest for record in journal.records("r")] == ["Running"]


def test_of_two_writers_one_wins(url: str) -> None:
    with open_journal(url) as first, open_journal(url) as second:
        one_of_two_writers_wins(first, second)


def test_an_illegal_step_is_refused_from_raw_sql(url: str) -> None:
    with open_journal(url) as journal:
        an_illegal_step_is_refused(journal, url)


def test_a_step_is_never_changed_from_raw_sql(url: str) -> None:
    with open_journal(url) as journal:
        a_step_is_never_changed(journal, url)
