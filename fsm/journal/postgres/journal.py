"""SQLJournal: keeps steps in PostgreSQL, for many machines. The only file that imports SQLAlchemy.

What makes it safe is the same as in SQLite and is the database's own: see `postgres` for its
tables and rules.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from fsm.durations import as_seconds
from fsm.errors import InvalidArgument, JournalError, JournalUncertain, MissingExtra, StaleRun
from fsm.journal.address import Address
from fsm.journal.arguments import LifecycleLike, as_steps
from fsm.journal.records import Record
from fsm.journal.redaction import as_redaction, patterns_of
from fsm.journal.relational import statements as sql
from fsm.journal.relational.base import RowJournal
from fsm.journal.relational.inserts import Writing, edge_rows, refusal
from fsm.journal.summary import Summary
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

from . import schema as postgres

__all__ = ["SQLJournal"]

_DRIVER = "postgresql+psycopg"
_LOCK = 0x52554E53  # "RUNS": held while the schema is made
_PAUSE = 0.05  # seconds between two attempts to reach a database that went away
_SECRETS = {"password", "sslpassword", "passfile"}

_INSERT_STEP = text(sql.insert("steps", (*Record._fields, "nonce")))
_TRIGGERS = f"""
SELECT tgname FROM pg_trigger
WHERE tgrelid IN ('{postgres.NAMESPACE}.runs'::regclass, '{postgres.NAMESPACE}.steps'::regclass)
  AND NOT tgisinternal AND tgenabled <> 'D'
"""
_SNAPSHOT = "SELECT CAST(pg_current_snapshot() AS text) WHERE NOT pg_is_in_recovery()"
_NONCE = text("SELECT nonce FROM steps WHERE run = :run AND seq = :seq")


class SQLJournal(RowJournal):
    """Keeps steps in PostgreSQL; any number of threads, processes and machines may use it.

    `append` returns when the database has committed. If the answer is lost, the journal asks
    again, and knows its own step by a mark: there is no second one.

    Args:
        url: A PostgreSQL URL, as SQLAlchemy writes them.
        patience: Seconds to wait for a lock, or for a database that went away.
        redact: Regular expressions; what matches is struck out of payloads before they are kept.
        make: Whether to make the journal's tables where there are none.

    Raises:
        JournalError: The database cannot be reached, or its journal is of another version.
        MissingExtra: psycopg is not installed.
    """

    message = "(steps.payload::json -> 'message')::text"
    names = "SELECT json_array_elements_text(CAST(:names AS json))"
    locking = "FOR UPDATE SKIP LOCKED"

    def __init__(
        self,
        url: str,
        *,
        patience: float = 30.0,
        redact: Iterable[str | re.Pattern[str]] | None = None,
        make: bool = True,
    ) -> None:
        self._make = make
        self._connecting = object()  # another with each connection
        self._patience = as_seconds(patience, "patience")
        self._redaction = as_redaction(redact)
        self._url = _as_url(url)
        self._name = _shown(self._url)
        self._process = os.getpid()
        self._known: set[Lifecycle] = set()  # the lifecycles whose edges the database has
        self._engine = self._made()
        self._prepared = False
        self._preparing = threading.Lock()
        try:
            with self._using("open the journal"):
                pass
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def address(self) -> Address:
        """By which another process opens it: with the password, if the URL had one."""
        url = self._url.render_as_string(hide_password=False)
        return Address(url, patterns_of(self._redaction))

    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable, or raise and leave no trace; see `Journal.append`.

        Raises:
            JournalUncertain: The answer was lost and the database stays away; `restore` will tell.
        """
        writing = Writing(step, lifecycle, epoch, self._redaction, outbox, self._child_rows)
        self._keep([writing], f"keep {writing!r}")

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none; see `Journal.extend`."""
        writings = [Writing(step, lifecycle, None, self._redaction) for step in as_steps(steps)]
        writings.sort(key=lambda each: each.step.run)  # two batches at once wait in no circle
        if writings:
            self._keep(writings, f"keep {len(writings)} steps")

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        if self._process == os.getpid():
            self._engine.dispose()

    def changes(self) -> object | None:
        """What differs when anybody has committed anything; see `Journal.changes`.

        Two equal snapshots see the same transactions. A server that crashed may give a number
        away twice, but not over the same connections. A standby does not know who is under way.
        """
        found = self._ask("look for changes", _SNAPSHOT, {})
        return (self._connecting, found[0][0]) if found else None  # connecting: after it has

    def __repr__(self) -> str:
        return f"<SQLJournal {self._name!r}>"

    def __str__(self) -> str:
        return self._name

    # How it is asked.

    def _ask(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        with self._using(what) as connection:
            return list(connection.execute(text(statement), given))

    def _change(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        with self._using(what) as connection:
            done = connection.execute(text(statement), given)
            return list(done) if done.returns_rows else []

    def _spoilt(self) -> Iterator[str]:
        there = {row[0] for row in self._ask("read the rules", _TRIGGERS, {})}
        for name in sorted(postgres.RULES - there):
            yield f"the rule {name} is missing"

    def _summary(self, row: Any) -> Summary:
        message = json.loads(row[2] or "null")
        said = message if message is None or isinstance(message, str) else json.dumps(message)
        return Summary(row[0], row[1], said, *row[3:])

    # Writing.

    def _keep(self, writings: list[Writing], what: str) -> None:
        """Write in one transaction; where the answer is lost, ask again until it is known."""
        nonce = secrets.token_hex(8)
        until = time.monotonic() + self._patience
        asked = tried = False  # asked: a COMMIT is on its way, whether or not it has come through
        while True:
            committing = False
            try:
                with self._connected() as connection:
                    self._insert_all(connection, writings, nonce, asked)
                    committing = True
                    connection.commit()
                break
            except (SQLAlchemyError, OSError, ValueError) as error:
                asked = asked or committing
                if asked and time.monotonic() > until:
                    raise JournalUncertain(
                        f"cannot say whether {self} kept it, when asked to {what}: {_said(error)}"
                    ) from error
                if not asked and (tried or not _went_away(error)):
                    raise JournalError(f"cannot {what} in {self}: {_said(error)}") from error
                tried = True  # once more, for a pooled connection may have been dead for long
                if asked:
                    time.sleep(_PAUSE)
        self._known |= {each.lifecycle for each in writings[:1] if each.lifecycle is not None}

    def _insert_all(
        self, connection: Connection, writings: list[Writing], nonce: str, asked: bool
    ) -> None:
        """Insert what is not there yet: all of it, unless it was asked for before and came through.

        Raises:
            StaleRun: Another writer was first.
            JournalError: The database refused a step.
        """
        here, lifecycle = writings[0], writings[0].lifecycle  # all have the same
        try:
            if lifecycle is not None and lifecycle not in self._known:
                connection.execute(text(sql.INSERT_EDGE), edge_rows(lifecycle))
            for here in writings:
                self._insert(connection, here, nonce)
        except IntegrityError as error:
            connection.rollback()
            # On this connection: if it is lost too, we are as unsure as before and ask again.
            if not asked or not self._is_ours(connection, writings[-1], nonce):
                raise self._refusal(connection, here, str(error.orig)) from None

    def _insert(self, connection: Connection, writing: Writing, nonce: str) -> None:
        record = writing.record
        if record.seq == 1:
            connection.execute(text(sql.INSERT_RUN), writing.run_row())
        connection.execute(_INSERT_STEP, record._asdict() | {"nonce": nonce})
        if writing.outbox:
            connection.execute(text(sql.INSERT_OUTBOX), writing.outbox_rows())

    def _is_ours(self, connection: Connection, writing: Writing, nonce: str) -> bool:
        place = {"run": writing.record.run, "seq": writing.record.seq}
        return bool(connection.execute(_NONCE, place).scalar() == nonce)

    def _refusal(
        self, connection: Connection, writing: Writing, said: str
    ) -> StaleRun | JournalError:
        place = {"run": writing.record.run, "seq": writing.record.seq}
        there = connection.execute(text(sql.STEP), place).fetchone()
        claimed = connection.execute(text(sql.CLAIMED), {"run": place["run"]}).fetchone()
        return refusal(
            writing,
            said,
            None if there is None else Record(*there),
            None if claimed is None else (claimed[0], claimed[1]),
        )

    # The database.

    @contextmanager
    def _using(self, what: str) -> Iterator[Connection]:
        """One transaction; a connection that died in the pool is replaced before it begins."""
        try:
            with self._connected() as connection:
                yield connection
                connection.commit()
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise JournalError(f"cannot {what} in {self}: {_said(error)}") from error

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        if self._process != os.getpid():  # a fork: the connections are the parent's
            self._process = os.getpid()
            self._preparing = threading.Lock()
            self._engine.dispose(close=False)
        with self._engine.connect() as connection:
            if not self._prepared:
                with self._preparing:
                    self._prepare(connection)
                    self._prepared = True
            yield connection

    def _made(self) -> Engine:
        try:
            engine = sqlalchemy.create_engine(
                self._url,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
                pool_pre_ping=True,
            )
        except ImportError as error:
            if self._url.drivername != _DRIVER:
                named = f"{self._url.drivername}:// needs {error.name}, which is not installed"
                raise InvalidArgument(f"{named}; write postgresql:// for psycopg 3") from error
            raise MissingExtra("a journal in PostgreSQL", "sql") from error
        except SQLAlchemyError as error:
            raise InvalidArgument(f"no journal is at {self._name!r}: {error}") from None
        patience = f"{max(1, round(self._patience * 1000))}ms"

        @event.listens_for(engine, "connect")
        def set_up(connection: Any, _record: Any) -> None:
            self._connecting = object()
            with connection.cursor() as cursor:
                cursor.execute(f"SET search_path TO {postgres.NAMESPACE}")
                cursor.execute(f"SET lock_timeout TO '{patience}'")
                # A page is read in the order of its index. Before it has counted the rows, the
                # planner would rather collect all that follow, for each page, and sort them.
                cursor.execute("SET enable_bitmapscan TO off")
                cursor.execute("SELECT current_setting('synchronous_commit')")
                if cursor.fetchone()[0] == "off":  # acknowledged is kept, whatever the default
                    cursor.execute("SET synchronous_commit TO on")
            connection.commit()

        return engine

    def _prepare(self, connection: Connection) -> None:
        """Make the tables, or see that they are of our version."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        there = connection.execute(
            text("SELECT to_regclass(:name) IS NOT NULL"),
            {"name": f"{postgres.NAMESPACE}.journal"},
        ).scalar()
        if not there and not self._make:
            raise JournalError(f"no journal is in {self}")
        if not there:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {postgres.NAMESPACE}")
            connection.exec_driver_sql(postgres.SCHEMA)
        version = connection.execute(text("SELECT version FROM journal")).scalar()
        if version == 1:
            self._upgrade(connection)
            version = postgres.VERSION
        connection.commit()
        if version != postgres.VERSION:
            raise JournalError(
                f"{self} is a journal of version {version}; "
                f"this release reads version {postgres.VERSION}"
            )

    def _upgrade(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql(postgres.FROM_1)
        except ProgrammingError as error:
            raise JournalError(
                f"{self} is a journal of version 1; "
                f"it has to be opened once by a role that may change it: {_said(error)}"
            ) from error


def _as_url(url: object) -> sqlalchemy.URL:
    try:
        made = sqlalchemy.make_url(url)  # type: ignore[arg-type]  # which says so itself
    except (SQLAlchemyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"no journal is at such a URL: {type(error).__name__}") from None
    if made.get_backend_name() != "postgresql":
        raise InvalidArgument(
            f"a journal is kept in PostgreSQL or SQLite, not in {made.get_backend_name()}"
        )
    if "@" in (made.host or ""):  # half of a password, which would be shown
        raise InvalidArgument("no journal is at such a URL: write @ in a password as %40")
    return made if "+" in made.drivername else made.set(drivername=_DRIVER)


def _shown(url: sqlalchemy.URL) -> str:
    """The URL as others may see it."""
    secret = {name: "***" for name in url.query if name in _SECRETS}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def _went_away(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or isinstance(error, OperationalError)
    )


def _said(error: BaseException) -> str:
    """What went wrong, in one line and without the statement."""
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return " ".join(said.split())
