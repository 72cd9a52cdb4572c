"""SQLJournal: keeps steps in PostgreSQL, for many machines. The only file that imports SQLAlchemy.

The rules for steps are those of SQLite, kept by the database itself: see `postgres.schema`.
"""

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
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from fsm.durations import as_seconds
from fsm.errors import InvalidArgument, JournalError, JournalUncertain, MissingExtra, StaleRun
from fsm.ids import MAX_LENGTH
from fsm.journal.arguments import LifecycleLike, as_steps
from fsm.journal.opening import Address
from fsm.journal.records import Record, Summary
from fsm.journal.redaction import as_redaction, patterns_of
from fsm.journal.relational import statements as sql
from fsm.journal.relational.base import RelationalJournal
from fsm.journal.relational.inserts import Insert, RunRow, edge_rows, rejection
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

from . import schema as postgres

__all__ = ["SQLJournal"]

_DRIVER = "postgresql+psycopg"
_LOCK = 0x52554E53  # "RUNS": held while the schema is made or upgraded
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


class SQLJournal(RelationalJournal):
    """Keeps steps in PostgreSQL. Any number of threads, processes and machines may use it.

    `append` returns when the database has committed. If the answer is lost, the journal asks
    again. It recognises its own step by a nonce, so there is never a second one.

    Args:
        url: A PostgreSQL URL, as SQLAlchemy writes them.
        patience: Seconds to wait for a lock, or for a database that went away.
        redact: Regular expressions; what matches becomes `***` in payloads before they are kept.
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
        self._connecting = object()  # a new one with each connection
        self._patience = as_seconds(patience, "patience")
        self._redaction = as_redaction(redact)
        self._url = _as_url(url)
        self._name = _mask(self._url)
        self._process = os.getpid()
        self._known_edges: set[Lifecycle] = set()  # lifecycles whose edges are in the database
        self._engine = self._create_engine()
        self._prepared = False
        self._version = postgres.VERSION  # an earlier one can only be read
        self._preparing = threading.Lock()
        try:
            with self._transaction("open the journal"):
                pass
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def address(self) -> Address:
        """By which another process opens the journal: with the password, if the URL had one."""
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
        insert = Insert(step, lifecycle, epoch, self._redaction, outbox, self._child_rows)
        self._write([insert], f"keep {insert!r}")

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none; see `Journal.extend`."""
        inserts = [Insert(step, lifecycle, None, self._redaction) for step in as_steps(steps)]
        inserts.sort(key=lambda each: each.step.run)  # two batches at once cannot deadlock
        if inserts:
            self._write(inserts, f"keep {len(inserts)} steps")

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        if self._process == os.getpid():
            self._engine.dispose()

    def changes(self) -> object | None:
        """Return a value that differs if anything was committed; see `Journal.changes`.

        Two equal snapshots see the same transactions. A server that crashed may use a number
        twice, but not over the same connections. A standby cannot tell: it does not know the
        transactions in progress.
        """
        rows = self._query("look for changes", _SNAPSHOT, {})
        return (self._connecting, rows[0][0]) if rows else None

    def __repr__(self) -> str:
        return f"<SQLJournal {self._name!r}>"

    def __str__(self) -> str:
        return self._name

    # How the database is reached.

    def _query(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        with self._transaction(action) as connection:
            return list(connection.execute(text(statement), parameters))

    def _execute(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        with self._transaction(action) as connection:
            self._check_writable(action)
            result = connection.execute(text(statement), parameters)
            return list(result) if result.returns_rows else []

    def _database_faults(self) -> Iterator[str]:
        there = {row[0] for row in self._query("read the rules", _TRIGGERS, {})}
        for name in sorted(postgres.RULES - there):
            yield f"the rule {name} is missing"

    def _summary(self, row: Any) -> Summary:
        message = json.loads(row[2] or "null")
        if message is not None and not isinstance(message, str):
            message = json.dumps(message)
        return super()._summary((*row[:2], message, *row[3:]))

    # Writing.

    def _check_writable(self, action: str) -> None:
        if self._version != postgres.VERSION:
            self._prepared = False  # the next use looks whether it was upgraded meanwhile
            raise JournalError(
                f"cannot {action} in {self}: it is a journal of version {self._version}, which may "
                "only be read; a role that may change its tables has to open it once"
            )

    def _write(self, inserts: list[Insert], action: str) -> None:
        """Write in one transaction; where the answer is lost, ask again until it is known."""
        nonce = secrets.token_hex(8)
        until = time.monotonic() + self._patience
        asked = tried = False  # asked: a COMMIT was sent, whether or not it has arrived
        while True:
            committing = False
            try:
                with self._connect() as connection:
                    self._check_writable(action)
                    self._insert_all(connection, inserts, nonce, asked)
                    committing = True
                    connection.commit()
                break
            except (SQLAlchemyError, OSError, ValueError) as error:
                asked = asked or committing
                if asked and time.monotonic() > until:
                    raise JournalUncertain(
                        f"cannot say whether {self} kept it, when asked to {action}: "
                        f"{_describe(error)}"
                    ) from error
                if not asked and (tried or not _went_away(error)):
                    raise JournalError(f"cannot {action} in {self}: {_describe(error)}") from error
                tried = True  # once more: a pooled connection may have been dead for long
                if asked:
                    time.sleep(_PAUSE)
        self._known_edges |= {each.lifecycle for each in inserts[:1] if each.lifecycle is not None}

    def _insert_all(
        self, connection: Connection, inserts: list[Insert], nonce: str, asked: bool
    ) -> None:
        """Insert all steps, unless they were inserted by an earlier attempt that was committed.

        Raises:
            StaleRun: Another writer was first.
            JournalError: The database refused a step.
        """
        insert, lifecycle = inserts[0], inserts[0].lifecycle  # all have the same
        try:
            if lifecycle is not None and lifecycle not in self._known_edges:
                connection.execute(text(sql.INSERT_EDGE), edge_rows(lifecycle))
            for insert in inserts:
                self._insert(connection, insert, nonce)
        except IntegrityError as error:
            connection.rollback()
            # On this connection: if it is lost too, nothing is known yet, and the loop goes on.
            if not asked or not self._is_ours(connection, inserts[-1], nonce):
                raise self._rejection(connection, insert, str(error.orig)) from None

    def _insert(self, connection: Connection, insert: Insert, nonce: str) -> None:
        record = insert.record
        if record.seq == 1:
            connection.execute(text(sql.INSERT_RUN), insert.run_row())
        connection.execute(_INSERT_STEP, record._asdict() | {"nonce": nonce})
        if insert.outbox:
            connection.execute(text(sql.INSERT_OUTBOX), insert.outbox_rows())

    def _is_ours(self, connection: Connection, insert: Insert, nonce: str) -> bool:
        place = {"run": insert.record.run, "seq": insert.record.seq}
        return bool(connection.execute(_NONCE, place).scalar() == nonce)

    def _rejection(
        self, connection: Connection, insert: Insert, message: str
    ) -> StaleRun | JournalError:
        place = {"run": insert.record.run, "seq": insert.record.seq}
        there = connection.execute(text(sql.STEP), place).fetchone()
        run = connection.execute(text(sql.RUN), {"run": place["run"]}).fetchone()
        return rejection(
            insert,
            message,
            None if there is None else Record(*there),
            None if run is None else RunRow(*run),
        )

    # Connections and the schema.

    @contextmanager
    def _transaction(self, action: str) -> Iterator[Connection]:
        """One transaction. A connection that died in the pool is replaced before it begins."""
        try:
            with self._connect() as connection:
                yield connection
                connection.commit()
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise JournalError(f"cannot {action} in {self}: {_describe(error)}") from error

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
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

    def _create_engine(self) -> Engine:
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
                # A page is read in the order of its index. Without statistics, the planner would
                # rather collect and sort all the rows that follow, for each page.
                cursor.execute("SET enable_bitmapscan TO off")
                cursor.execute("SELECT current_setting('synchronous_commit')")
                if cursor.fetchone()[0] == "off":  # an acknowledged step must be kept
                    cursor.execute("SET synchronous_commit TO on")
            connection.commit()

        return engine

    def _prepare(self, connection: Connection) -> None:
        """Make the tables, or upgrade them to our version.

        A journal of the version before, which this role may not upgrade, can be read.
        """
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
        if version in (1, 2):
            version = self._upgrade(connection, version)
        connection.commit()
        if version not in (2, postgres.VERSION):
            raise JournalError(
                f"{self} is a journal of version {version}; "
                f"this release reads version {postgres.VERSION}"
            )
        self._version = version

    def _upgrade(self, connection: Connection, version: int) -> int:
        """Upgrade the tables, in the transaction; return the version that they have then."""
        try:
            if version == 1:
                connection.exec_driver_sql(postgres.FROM_1)
            connection.exec_driver_sql(postgres.FROM_2)
        except (ProgrammingError, InternalError) as error:  # of a role, or of a standby
            if version == 2:
                connection.rollback()
                return version
            raise JournalError(
                f"{self} is a journal of version 1; "
                f"a role that may change its tables has to open it once: {_describe(error)}"
            ) from error
        except IntegrityError as error:
            raise JournalError(
                f"cannot upgrade {self} from version {version}: names of kinds, states and events "
                f"have {MAX_LENGTH} characters at most: {_describe(error)}"
            ) from error
        return postgres.VERSION


def _as_url(url: object) -> sqlalchemy.URL:
    try:
        made = sqlalchemy.make_url(url)  # type: ignore[arg-type]  # which raises what is caught here
    except (SQLAlchemyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"no journal is at such a URL: {type(error).__name__}") from None
    if made.get_backend_name() != "postgresql":
        raise InvalidArgument(
            f"a journal is kept in PostgreSQL or SQLite, not in {made.get_backend_name()}"
        )
    if "@" in (made.host or ""):  # half of a password, which would be shown
        raise InvalidArgument("no journal is at such a URL: write @ in a password as %40")
    return made if "+" in made.drivername else made.set(drivername=_DRIVER)


def _mask(url: sqlalchemy.URL) -> str:
    """The URL without its secrets."""
    secret = {name: "***" for name in url.query if name in _SECRETS}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


def _went_away(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or isinstance(error, OperationalError)
    )


def _describe(error: BaseException) -> str:
    """What went wrong, in one line and without the statement."""
    message = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return " ".join(message.split())
