"""SQLJournal: what only PostgreSQL does."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from fsm import JournalError, StaleRun, Step, TaskRun, TransitionNotAllowed, open_journal
from fsm.errors import InvalidArgument
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.operations import verify

from ....postgres import as_libpq

LINUX = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
SECRET = "hunter2"


def execute(url: str, statement: str) -> None:
    with psycopg.connect(as_libpq(url)) as connection:
        connection.execute("SET search_path TO runstates")
        connection.execute(statement)


def test_its_tables_are_in_a_schema_of_their_own(database: str) -> None:
    SQLJournal(database).close()

    with psycopg.connect(as_libpq(database)) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg_%' "
            "AND schemaname <> 'information_schema' ORDER BY tablename"
        ).fetchall()

    assert names == [
        ("runstates", name)
        for name in ("edges", "journal", "late", "outbox", "refusals", "runs", "steps")
    ]


def test_a_journal_is_opened_again(database: str) -> None:
    with open_journal(database) as journal:
        TaskRun("r", journal=journal).start()

    with open_journal(database.replace("postgresql+psycopg", "postgres")) as again:
        assert isinstance(again, SQLJournal)
        assert again.summary("r").state == "Running"


@pytest.mark.parametrize("version", ["99", "0"])
def test_another_version_is_refused(database: str, version: str) -> None:
    SQLJournal(database).close()
    execute(database, f"UPDATE journal SET version = {version}")

    with pytest.raises(JournalError, match=f"version {version}; this release reads version"):
        SQLJournal(database)


def test_a_journal_of_version_1_is_upgraded_to_keep_refusals(database: str) -> None:
    with SQLJournal(database) as journal:
        TaskRun("r", journal=journal).start()
    execute(database, "DROP TABLE refusals; UPDATE journal SET version = 1")

    with SQLJournal(database) as journal:
        with pytest.raises(TransitionNotAllowed):
            TaskRun.restore("r", journal).resume()
        assert [each.event for each in journal.refusals("r")] == ["resume"]


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """The URL of a journal with one run, for a role that may read it and no more."""
    with SQLJournal(database) as journal:
        run = TaskRun("r", journal=journal, max_retries=1)
        run.start()
        run.fail()
    role = f"reader_{uuid.uuid4().hex}"
    execute(
        database,
        f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'; GRANT USAGE ON SCHEMA runstates TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA runstates TO {role}",
    )
    parts = urlsplit(database)
    place = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{role}:{SECRET}@{place}").geturl()
    execute(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_role_that_may_only_read_reads(reader: str) -> None:
    with open_journal(reader, make=False) as journal:
        assert [run.state for run in journal.runs()] == ["Failed"]
        assert len(TaskRun.restore("r", journal).history) == 2
        assert journal.traffic().runs == 1
        assert list(journal.refusals()) == []
        assert list(verify(journal)) == []
        assert journal.changes() is not None


def test_a_role_that_may_only_read_writes_nothing(reader: str) -> None:
    with open_journal(reader) as journal:
        run = TaskRun.restore("r", journal)

        with pytest.raises(JournalError, match=r"cannot keep #3 retry.*permission denied"):
            run.retry()
        with pytest.raises(JournalError, match=r"cannot claim runs.*permission denied"):
            journal.claim(owner="w")
        with pytest.raises(TransitionNotAllowed):
            run.resume()

        assert len(run.history) == 2
        assert list(journal.refusals()) == []
        assert [run.state for run in journal.runs()] == ["Failed"]


def test_a_role_that_may_only_read_cannot_upgrade_version_1(reader: str, database: str) -> None:
    execute(database, "DROP TABLE refusals; UPDATE journal SET version = 1")

    with pytest.raises(JournalError, match="version 1; a role that may change its tables has"):
        SQLJournal(reader)


def test_a_read_only_server_is_read(reader: str) -> None:
    execute(reader, "ALTER ROLE CURRENT_USER SET default_transaction_read_only TO on")

    with open_journal(reader) as journal:
        assert [run.state for run in journal.runs()] == ["Failed"]


def test_a_transaction_is_durable_whatever_the_default(database: str) -> None:
    name = database.split("/")[3].split("?")[0]
    execute(database, f"ALTER DATABASE {name} SET synchronous_commit TO off")
    journal = SQLJournal(database)

    with journal._connect() as connection:
        setting = connection.exec_driver_sql("SHOW synchronous_commit").scalar()

    assert setting == "on"
    journal.close()


def test_the_table_of_steps_cannot_be_truncated(database: str) -> None:
    with SQLJournal(database) as journal:
        TaskRun("r", journal=journal).start()

        with pytest.raises(psycopg.IntegrityError, match="never"):
            execute(database, "TRUNCATE steps CASCADE")

        assert journal.summary("r").steps == 1


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@/x?host=/nowhere",
        f"postgresql://u:{SECRET}@localhost:1/x",
        f"postgresql://u:a@{SECRET}@localhost:1/x",
        f"postgresql://u@/x?host=/nowhere&password={SECRET}",
        f"postgresql://u@/x?host=/nowhere&sslpassword={SECRET}",
        f"postgresql://u@/x?host=/nowhere&p%61ssword={SECRET}",
        f"mysql://u:{SECRET}@host/x",
        f"mysql://u:a@{SECRET}@host/x",
        f"mysql://host/x?password={SECRET}",
        f"mysql://host/x?user=u&PWD={SECRET}",
        f"postgresql+nope://u:{SECRET}@host/x",
        f"postgresql://u:{SECRET}@host:port/x",
        f"postgres://u:{SECRET}@[::1/x",
        f"sqlite://u:{SECRET}@host/x",
        f"ada:{SECRET}@host/x",
        f"ada:a@{SECRET}@host/x",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    with pytest.raises((JournalError, InvalidArgument)) as caught:
        open_journal(url)

    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error)
        error = error.__cause__


def test_a_password_is_not_shown_by_a_journal(database: str) -> None:
    url = database.replace("postgres@", f"postgres:{SECRET}@", 1) + f"&sslpassword={SECRET}"
    with open_journal(url) as journal:
        with pytest.raises(JournalError) as caught:
            journal.steps("nobody")

        for said in (repr(journal), str(journal), str(caught.value), repr(caught.value)):
            assert SECRET not in said
            assert "***" in said


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_and_its_parent_write_side_by_side(empty_database: str) -> None:
    journal = SQLJournal(empty_database)
    run = TaskRun("r", journal=journal)
    run.start()

    child = os.fork()
    if child == 0:
        status = 1
        try:
            TaskRun("child", journal=journal).start()
            run.fail("by the child")
            journal.close()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)

    assert status == 0
    with pytest.raises(StaleRun, match="fail: Running → Failed"):
        run.succeed()
    TaskRun("parent", journal=journal).start()
    assert {summary.run for summary in journal.runs()} == {"r", "child", "parent"}
    assert list(verify(journal)) == []
    journal.close()


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_end_of_a_fork_leaves_the_connection_of_its_parent_open(
    empty_database: str, step: Callable[..., Step]
) -> None:
    journal = SQLJournal(empty_database)
    with journal._connect() as connection:  # in use while the child lives and dies
        connection.exec_driver_sql("SELECT 1")
        child = os.fork()
        if child == 0:
            journal.append(step("child"))
            journal.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert connection.exec_driver_sql("SELECT 2").scalar() == 2
    journal.append(step("parent"))
    assert len(list(journal.runs())) == 2
    journal.close()


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_end_of_a_fork_leaves_the_file_of_its_parent_open(
    path: Any, step: Callable[..., Step]
) -> None:
    journal = SQLiteJournal(path)
    journal.append(step("parent"))

    child = os.fork()
    if child == 0:
        journal.append(step("child"))
        journal.close()
        os._exit(0)
    os.waitpid(child, 0)

    journal.append(step("parent", 2))
    journal.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM steps").fetchone() == (3,)
    connection.close()


@pytest.mark.parametrize("patience", ["5", None, -1, float("nan"), True, []], ids=repr)
def test_an_odd_patience_is_refused(patience: Any, path: Any) -> None:
    with pytest.raises(InvalidArgument, match="patience"):
        SQLiteJournal(path, patience=patience)
    with pytest.raises(InvalidArgument, match="patience"):
        SQLJournal("postgresql://u@/x?host=/nowhere", patience=patience)


@pytest.mark.parametrize(
    "url", [None, 5, b"postgresql://x", "", "postgresql:", "http://x", "://"], ids=repr
)
def test_a_malformed_url_is_refused(url: Any) -> None:
    with pytest.raises((InvalidArgument, JournalError)):
        SQLJournal(url)


def test_a_driver_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidArgument, match="needs pg8000, which is not installed; write post"):
        SQLJournal("postgresql+pg8000://user@host/name")
