"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import attrs

from fsm.errors import InvalidArgument, JournalError, StaleRun, UnknownRun
from fsm.step import Step

from .record import Record, read
from .summary import Summary

__all__ = ["SQLiteJournal"]

_MARK = 0x52554E53  # "RUNS": the application_id of our files
_VERSION = 1
_A_MOMENT = 0.01  # seconds
_SURROGATES = re.compile("[\ud800-\udfff]")

# `WITHOUT ROWID`: a run's steps lie together, in order, and the key is the table.
_SCHEMA = """
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
    _connection: sqlite3.Connection | None
    _file: tuple[int, int] | None

    def __init__(self, path: str | os.PathLike[str], *, patience: float = 30.0) -> None:
        try:
            self._name = os.fsdecode(path)
            self.path = Path(path).absolute()  # so that ":memory:", too, is a file of that name
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"a journal is a file, and {path!r} names none") from error
        self._patience = patience
        self._renew()
        with self._reading("open the journal"):
            pass

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
        rows = []
        if isinstance(run, str) and not _SURROGATES.search(run):  # or SQLite cannot look it up
            with self._reading(f"read run {run!r}") as connection:
                rows = connection.execute(_SELECT, (run,)).fetchall()
        if not rows:
            raise UnknownRun(run, self)
        return (Record(*row) for row in rows)

    def runs(self) -> Iterator[Summary]:
        """What is known of each run, by the time of their first steps, then by name."""
        with self._reading("list the runs") as connection:
            rows = connection.execute(_RUNS).fetchall()
        return (Summary(*row) for row in rows)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._process != os.getpid():
            return  # a connection inherited over a fork is left alone, not closed
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._name!r}>"

    def __str__(self) -> str:
        return self._name

    def _renew(self) -> None:
        """Begin anew, as a forked process must: its parent's lock may be held for ever."""
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection = None
        self._file = None

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():
            self._renew()
        with self._lock:
            try:
                yield self._connect()
            except (sqlite3.Error, OSError, ValueError) as error:
                raise JournalError(f"cannot {what} in {self}: {error}") from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE: the write lock first, so that no reader becomes a writer."""
        with self._reading(what) as connection:
            if _identity(self.path) != self._file:
                raise JournalError(f"cannot {what}: {self} was replaced while it was open")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            _make_file(self.path)
            self._connection = self._opened()
            self._file = _identity(self.path)
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
                f"{self} is a journal of version {version}; this release reads version {_VERSION}"
            )
        if mark or version or tables:
            raise JournalError(f"{self} is a database, but not a journal; name another file")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {_MARK}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its side files the same mode."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o600))


def _identity(path: Path) -> tuple[int, int]:
    """Which file the path names now: what is written to one that was removed is lost."""
    found = path.stat()
    return found.st_dev, found.st_ino
