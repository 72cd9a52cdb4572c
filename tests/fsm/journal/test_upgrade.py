"""Upgrade: journals of the version before, as the release before wrote them, in both databases.

`sqlite/version_3.sql` and `postgres/version_2.sql` are dumps of one journal, made with that
release: its runs wait, are claimed, have late results, refusals, deliveries and children.
"""

from __future__ import annotations

import importlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg
import pytest

from fsm import Journal, JournalError, TaskRun, TransitionNotAllowed, open_journal
from fsm.flow.function_run import FunctionRun
from fsm.journal.postgres import schema as postgres_schema
from fsm.journal.relational.kinds import RENAMED_KINDS, current_kind, names_of_kind
from fsm.journal.sqlite import schema as sqlite_schema
from fsm.operations import deliver, verify
from fsm.testing import HandClock
from states import Running, Success

from ...postgres import Server, as_libpq
from .another import FORK, Another, open_folder

SQLITE = Path(__file__).parent / "sqlite" / "version_3.sql"
POSTGRES = Path(__file__).parent / "postgres" / "version_2.sql"
SECRET = "hunter2"

KINDS = {
    "done": "fsm:TaskRun",
    "failed": "fsm:TaskRun",
    "function": "fsm.flow:FunctionRun",
    "keyed": "fsm:TaskRun",
    "mailed": "shop:Mailer",
    "mapped": "fsm:TaskRun",
    "mapped[1]": "fsm:TaskRun",
    "order": "shop:Order",
    "stolen": "fsm:TaskRun",
    "timed": "fsm:TaskRun",
    "waiting": "fsm:TaskRun",
}


class Old(Protocol):
    """A journal of the version before, in one of the databases."""

    url: str
    version: int  # of today

    def query(self, statement: str) -> list[Any]:
        """Execute a statement past the journal; return its rows."""
        ...

    def definitions(self, url: str | None = None) -> Any:
        """What the database says of tables, constraints and rules, here or at *url*."""
        ...


class OldSQLite(Old):
    version = sqlite_schema.VERSION

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, str(path)
        connection = sqlite3.connect(path)
        connection.executescript(SQLITE.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()

    def query(self, statement: str) -> list[Any]:
        connection = sqlite3.connect(self.path)
        with connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows

    def definitions(self, url: str | None = None) -> Any:
        connection = sqlite3.connect(self.path if url is None else url)
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
        ).fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()
        connection.close()
        return rows, version


class OldPostgres(Old):
    version = postgres_schema.VERSION

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(as_libpq(url)) as connection:
            connection.execute(POSTGRES.read_bytes())

    def query(self, statement: str) -> list[Any]:
        with psycopg.connect(as_libpq(self.url)) as connection:
            connection.execute("SET search_path TO runstates")
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def definitions(self, url: str | None = None) -> Any:
        with psycopg.connect(as_libpq(self.url if url is None else url)) as connection:
            connection.execute("SET search_path TO runstates")
            return [
                connection.execute(statement).fetchall()
                for statement in (
                    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
                    "FROM pg_constraint WHERE connamespace = 'runstates'::regnamespace "
                    "ORDER BY 1, 2",
                    "SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid) "
                    "FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
                    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'runstates' ORDER BY 1",
                    "SELECT version FROM journal",
                )
            ]


@pytest.fixture(params=["sqlite", "postgres"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """A journal of the version before, in each database."""
    if request.param == "sqlite":
        yield OldSQLite(tmp_path / "runs.db")
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.fresh()
    yield OldPostgres(url)
    server.drop(url)


def contents(old: Old) -> Any:
    tables = ["runs", "steps", "edges", "late", "refusals", "outbox"]
    return [sorted(old.query(f"SELECT * FROM {table}"), key=repr) for table in tables]


def test_our_kinds_are_renamed_and_those_of_users_stay(old: Old) -> None:
    with open_journal(old.url) as journal:
        assert {run.run: run.kind for run in journal.runs()} == KINDS

    assert old.query("SELECT DISTINCT kind FROM runs ORDER BY kind") == [
        (kind,) for kind in sorted(set(KINDS.values()))
    ]
    assert old.query("SELECT DISTINCT kind FROM edges ORDER BY kind") == [
        (kind,) for kind in sorted(set(KINDS.values()))
    ]


def test_a_renamed_kind_is_that_of_the_class() -> None:
    for kind in RENAMED_KINDS.values():
        module, _, name = kind.partition(":")
        assert getattr(importlib.import_module(module), name).lifecycle.kind == kind


def test_a_kind_is_known_by_all_its_names() -> None:
    assert current_kind("fsm.task:TaskRun") == current_kind("fsm:TaskRun") == "fsm:TaskRun"
    assert current_kind("shop:Order") == "shop:Order"
    assert names_of_kind("fsm:TaskRun") == ["fsm:TaskRun", "fsm.task:TaskRun"]
    assert names_of_kind("shop:Order") == ["shop:Order"]


def test_an_upgraded_schema_is_the_same_as_a_new_one(
    old: Old, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    open_journal(old.url).close()
    if isinstance(old, OldSQLite):
        new = str(tmp_path / "new.db")
        open_journal(new).close()
        assert old.definitions() == old.definitions(new)
        return
    server: Server = request.getfixturevalue("postgres")
    new = server.fresh()
    open_journal(new).close()
    assert old.definitions() == old.definitions(new)
    server.drop(new)


def test_all_rows_but_the_kinds_are_as_they_were(old: Old) -> None:
    before = contents(old)
    open_journal(old.url).close()
    after = contents(old)

    def renamed(rows: list[Any]) -> list[Any]:
        return sorted((tuple(RENAMED_KINDS.get(v, v) for v in row) for row in rows), key=repr)

    assert after == list(map(renamed, before))


def test_histories_claims_and_notes_are_read(old: Old) -> None:
    with open_journal(old.url) as journal:
        assert type(TaskRun.restore("done", journal).state) is Success
        assert type(FunctionRun.restore("function", journal).state) is Running
        assert [step.key for step in journal.steps("keyed")] == ["request-1"]
        stolen = journal.summary("stolen")
        assert (stolen.owner, stolen.epoch, stolen.state) == ("b", 2, "Running")
        (late,) = journal.late_results()
        assert (late.run, late.event, late.owner, type(late.state)) == (
            "stolen", "succeed", "a", Success,
        )  # fmt: skip
        (refusal,) = journal.refusals()
        assert (refusal.run, refusal.event) == ("failed", "resume")
        assert list(journal.outbox()) == [("mailed", 1, "mail")]
        assert [run.run for run in journal.children("mapped")] == ["mapped[1]"]
        timed = journal.summary("timed")
        assert timed.deadline == timed.moved + 30_000_000
        assert journal.edges("fsm:TaskRun") == TaskRun.lifecycle.edge_names()
        assert journal.traffic("fsm:TaskRun").runs == 8
        assert [fault for fault in verify(journal) if "shop" not in str(fault)] == []


def test_runs_go_on(old: Old, clock: HandClock) -> None:
    clock.advance(minutes=5)
    with open_journal(old.url) as journal:
        (claim,) = journal.claim(9, owner="w", kinds=[TaskRun], now=clock())
        assert claim.run == "waiting"
        run = TaskRun.restore("waiting", claim, clock=clock)
        run.start()
        run.succeed()
        failed = TaskRun.restore("failed", journal, clock=clock)
        failed.retry()
        TaskRun("new", journal=journal, clock=clock).start()
        with pytest.raises(TransitionNotAllowed):
            TaskRun.restore("new", journal).resume()

        assert journal.summary("waiting").state == "Success"
        assert journal.summary("failed").state == "Retrying"
        assert journal.edges("fsm:TaskRun") == TaskRun.lifecycle.edge_names()
        assert len(list(journal.refusals())) == 2
        assert [each.listener for each in deliver(journal)] == []  # of a class that is not here


def test_the_rules_hold_again(old: Old) -> None:
    open_journal(old.url).close()

    for statement in (
        "UPDATE steps SET dest = 'Success'",
        "UPDATE runs SET kind = 'other' WHERE id = 'done'",
        "DELETE FROM steps",
    ):
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="fsm: "):
            old.query(statement)


def test_it_is_upgraded_once(old: Old) -> None:
    open_journal(old.url).close()
    before = contents(old), old.definitions()

    open_journal(old.url).close()

    assert (contents(old), old.definitions()) == before


def test_kinds_that_were_written_under_both_names_become_one(old: Old) -> None:
    old.query("INSERT INTO edges VALUES ('fsm:TaskRun', 'Pending', 'start', 'Running')")

    with open_journal(old.url) as journal:
        assert journal.edges("fsm:TaskRun") == TaskRun.lifecycle.edge_names()


@pytest.mark.parametrize("table", ["edges", "late"])
def test_longer_names_are_refused_and_the_journal_stays_as_it_was(old: Old, table: str) -> None:
    long = "x" * 201
    if table == "edges":
        old.query(f"INSERT INTO edges VALUES ('shop:Order', 'Running', '{long}', 'Running')")
    else:
        old.query(
            "INSERT INTO late (run, seq, event, source, dest, micros, payload, reason) "
            f"VALUES ('done', 3, '{long}', 'Success', 'Success', 0, '{{}}', '')"
        )
    before = contents(old), old.definitions()

    with pytest.raises(JournalError, match=r"cannot upgrade .* from version .*200"):
        open_journal(old.url)

    assert (contents(old), old.definitions()) == before


def test_refusals_of_longer_names_are_dropped(old: Old) -> None:
    old.query(
        "INSERT INTO refusals (run, seq, event, state, micros, reason) "
        f"VALUES ('done', 2, '{'x' * 201}', 'Success', 0, '')"
    )

    with open_journal(old.url) as journal:
        assert [refusal.run for refusal in journal.refusals()] == ["failed"]


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = OldSQLite(tmp_path / "runs.db")
    before = contents(old), old.definitions()

    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite_schema, "_stamp", fail)
    with pytest.raises(JournalError, match="cannot open the journal"):
        open_journal(old.url)

    assert (contents(old), old.definitions()) == before


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = OldPostgres(postgres.fresh())
    before = contents(old), old.definitions()
    monkeypatch.setattr(postgres_schema, "FROM_2", f"{postgres_schema.FROM_2}; SELECT 1 / 0")

    with pytest.raises(JournalError, match="division by zero"):
        open_journal(old.url)

    assert (contents(old), old.definitions()) == before
    postgres.drop(old.url)


# Where it may only be read.


def look(journal: Journal) -> Any:
    """What is read of a journal that stays of the version before."""
    return [
        {run.run: run.kind for run in journal.runs()},
        sorted(map(list, journal.edges("fsm:TaskRun"))),
        journal.traffic("fsm:TaskRun").runs,
        journal.traffic().runs,
        type(TaskRun.restore("done", journal).state).__name__,
        [late.run for late in journal.late_results()],
        [refusal.event for refusal in journal.refusals()],
        [problem.run for problem in verify(journal)],
    ]


def looked() -> Any:
    return [
        KINDS,
        sorted(map(list, TaskRun.lifecycle.edge_names())),
        8,
        11,
        "Success",
        ["stolen"],
        ["resume"],
        [],
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter."""
    folders = open_folder()
    yield next(folders)
    next(folders, None)


@pytest.mark.skipif(FORK[0].args[0], reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_file_that_may_only_be_read_is_read_under_todays_names(folder: Path) -> None:
    old = OldSQLite(folder / "runs.db")
    before = contents(old), old.definitions()
    old.path.chmod(0o444)

    def work(_turn: Callable[[], None]) -> Any:
        with open_journal(old.url) as journal:
            return look(journal)

    with Another(work) as another:
        assert another.result == looked()
    assert (contents(old), old.definitions()) == before


@pytest.fixture
def reader(postgres: Server) -> Iterator[tuple[OldPostgres, str]]:
    """An old journal, and its URL for a role that may read it, and insert, but change no table."""
    old = OldPostgres(postgres.fresh())
    role = f"reader_{uuid.uuid4().hex}"
    old.query(
        f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'; GRANT USAGE ON SCHEMA runstates TO {role};"
        f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA runstates TO {role}"
    )
    parts = urlsplit(old.url)
    place = parts.netloc.rpartition("@")[2]
    yield old, parts._replace(netloc=f"{role}:{SECRET}@{place}").geturl()
    old.query(f"DROP OWNED BY {role}; DROP ROLE {role}")
    postgres.drop(old.url)


def test_a_role_that_may_change_no_table_reads_under_todays_names(
    reader: tuple[OldPostgres, str],
) -> None:
    old, url = reader
    before = contents(old), old.definitions()

    with open_journal(url) as journal:
        assert look(journal)[1:] == looked()[1:]
        assert {run.run: run.kind for run in journal.runs()} == KINDS
        run = TaskRun.restore("failed", journal)
        message = "version 2, which may only be read; a role that may change its tables has to open"
        with pytest.raises(JournalError, match=f"cannot keep .*{message}"):
            run.retry()
        with pytest.raises(JournalError, match=f"cannot claim runs .*{message}"):
            journal.claim(owner="w")

    assert (contents(old), old.definitions()) == before


def test_a_reader_writes_as_soon_as_the_journal_is_upgraded(
    reader: tuple[OldPostgres, str],
) -> None:
    old, url = reader
    with open_journal(url) as journal:
        with pytest.raises(JournalError):
            journal.claim(owner="w")
        open_journal(old.url).close()

        (claim,) = journal.claim(owner="w")

        assert claim.run == "waiting"
