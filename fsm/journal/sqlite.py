"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from fsm.errors import JournalError, StaleRun, UnknownRun
from fsm.step import Step

from .record import Record, read
from .summary import Summary

__all__ = ["SQLiteJournal"]

_MARK = 0x52554E53  # "RUNS": the application_id of our files
_VERSION = 1
_A_MOMENT = 0.01  # seconds

# `WITHOUT ROWID`: a run's steps lie together, in order, and the key is the table.
_SCHEMA = """
CREATE TABLE steps (
    run     TEXT    NOT NULL CHECK (length(run) BETWEEN 1 AND 200),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL,
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    origin  TEXT    CHECK (origin IS NULL OR json_valid(origin)),
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
) STRICT, WITHOUT ROWID;
"""

_COLUMNS = tuple(field.name for field in attrs.fields(Record))
_INSERT = f"INSERT INTO steps ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM steps WHERE run = ? ORDER BY seq"
_PREVIOUS = "SELECT 1 FROM steps WHERE run = ? AND seq = ?"
_RUNS = """
SELECT run, dest, json_extract(payload, '$.message'), last.seq, first.micros, last.micros
FROM (SELECT run, max(seq) AS seq FROM steps GROUP BY run)
JOIN steps AS last USING (run, seq)
JOIN (SELECT run, micros FROM steps WHERE seq = 1) AS first USING (run)
ORDER BY first.micros, run
"""


class SQLiteJournal:
    """Keeps steps in one file; several threads and processes may use it at once.

    `append` returns when the step is on the disk: WAL with synchronous=FULL, one transaction a
    step. The file and its side files are for their owner alone (mode 0600).

    Args:
        path: The file; made if it is not there. A symbolic link is refused.
        patience: Seconds to wait for another writer.

    Raises:
        JournalError: The file cannot be opened, or is not a journal of this version.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str], *, patience: float = 30.0) -> None:
        self.path = Path(path)
        self._patience = patience
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        with self._lock:
            self._connect()

    def append(self, step: Step) -> None:
        """Make *step* durable, or raise and leave no trace.

        Raises:
            StaleRun: Another writer has taken this place, or the step before it is not here.
            JournalError: The file refused: a full disk, a lost file, too long a wait.
            NotSerializable: The payload cannot be written; names the field.
        """
        record = Record.of(step)
        with self._writing(f"keep {step!r} of run {step.run!r}") as connection:
            if (
                step.seq > 1
                and not connection.execute(_PREVIOUS, (step.run, step.seq - 1)).fetchone()
            ):
                raise StaleRun(step.run, step.seq, "ahead of what is recorded")
            try:
                connection.execute(_INSERT, attrs.astuple(record))
            except sqlite3.IntegrityError:
                taken = connection.execute(
                    f"{_SELECT.replace('ORDER', 'AND seq = ? ORDER')}", (step.run, step.seq)
                )
                winner = taken.fetchone()
                if winner is None:
                    raise
                known = Record(*winner)
                raise StaleRun(
                    step.run, step.seq, f"{known.event}: {known.source} → {known.dest}"
                ) from None

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
            CorruptJournal: What is kept there cannot be read.
        """
        return read(self.records(run))

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; needs none of the classes it names.

        Raises:
            UnknownRun: There is none.
        """
        with self._reading(f"read run {run!r}") as connection:
            rows = connection.execute(_SELECT, (run,)).fetchall()
        if not rows:
            raise UnknownRun(run, self)
        return (Record(*row) for row in rows)

    def runs(self) -> Iterator[Summary]:
        """What is known of each run, in the order of their first steps."""
        with self._reading("list the runs") as connection:
            rows = connection.execute(_RUNS).fetchall()
        return (Summary(*row) for row in rows)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def __repr__(self) -> str:
        return f"<SQLiteJournal {str(self.path)!r}>"

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connect()
            except sqlite3.Error as error:
                raise JournalError(f"cannot {what} in {self.path}: {error}") from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE: the write lock first, so that no reader becomes a writer."""
        with self._reading(what) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        """The connection of this process: one inherited over a fork is left alone, not closed."""
        if self._connection is None or self._process != os.getpid():
            try:
                _make_file(self.path)
                self._connection = self._opened()
            except (OSError, sqlite3.Error) as error:
                raise JournalError(f"cannot open the journal {self.path}: {error}") from error
            self._process = os.getpid()
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            self._prepare_schema(connection)  # first, so that somebody else's file stays as it was
            connection.execute("COMMIT")
            self._use_wal(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Write ahead: the mode is the file's, and only changes while nobody else is in it.

        SQLite does not wait for that by itself, so we do.
        """
        for _ in range(max(1, int(self._patience / _A_MOMENT))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                threading.Event().wait(_A_MOMENT)
        connection.execute("PRAGMA journal_mode = WAL")

    def _prepare_schema(self, connection: sqlite3.Connection) -> None:
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if (mark, version) == (_MARK, _VERSION):
            return
        if mark == _MARK:
            raise JournalError(
                f"{self.path} is a journal of version {version}; "
                f"this release reads version {_VERSION}"
            )
        if mark or version or tables:
            raise JournalError(f"{self.path} is a database, but not a journal; name another file")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {_MARK}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its side files the same mode."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o600))
