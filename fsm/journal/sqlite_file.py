"""SQLiteFile: one SQLite file as a journal has it open, with its transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsm.errors import InvalidArgument, JournalError, JournalUncertain

from .arguments import as_seconds
from .schema import MARK, VERSION, create, upgrade

__all__ = ["SQLiteFile"]

_A_MOMENT = 0.01  # seconds


class SQLiteFile:
    """One SQLite file, and the one connection to it that the threads of a process share.

    Law: what a transaction is, and what becomes of it when something breaks, is said here alone.

    Args:
        path: The file; made if it is not there. A symbolic link is refused.
        patience: Seconds to wait for another writer.
    """

    _connection: sqlite3.Connection | None
    _file: tuple[int, int] | None

    def __init__(self, path: str | os.PathLike[str], patience: float) -> None:
        try:
            self._name = os.fsdecode(path)
            self.path = Path(path).absolute()  # so that ":memory:", too, is a file of that name
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"a journal is a file, and {path!r} names none") from error
        self._patience = as_seconds("patience", patience)
        self._renew_process()
        with self._reading("open the journal"):
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._process != os.getpid():
            return  # a connection inherited over a fork is left alone, not closed
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            self.close()

    def __str__(self) -> str:
        return self._name

    def _renew_process(self) -> None:
        """Begin anew, as a forked process must: its parent's lock may be held for ever."""
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection = None
        self._file = None

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._renew_process()

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        self._check_process()
        with self._lock:
            try:
                yield self._connect()
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                raise JournalError(f"cannot {what} in {self}: {error}") from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE: the write lock first, so that no reader becomes a writer."""
        with self._reading(what) as connection:
            if _identity(self.path) != self._file:
                raise JournalError(f"cannot {what}: {self} was replaced while it was open")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                self._commit(connection, what)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _commit(self, connection: sqlite3.Connection, what: str) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_IOERR"):  # it may yet be on the disk
                raise JournalUncertain(
                    f"cannot say whether {self} kept it, when asked to {what}: {error}"
                ) from error
            raise

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            _make_file(self.path)
            self._connection = self._opened()
            self._file = _identity(self.path)
        elif self._connection.in_transaction:  # left open by an interrupt: it was never committed
            self._connection.execute("ROLLBACK")
        return self._connection

    def _open_connection(self) -> sqlite3.Connection:
        """The one door to SQLite: a test puts a disk of its own behind it."""
        return sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )

    def _opened(self) -> sqlite3.Connection:
        connection = self._open_connection()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
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
        if mark == MARK and version > VERSION:
            raise JournalError(
                f"{self} is a journal of version {version}; this release reads version {VERSION}"
            )
        if mark == MARK and version < VERSION:
            upgrade(connection, version)
        elif mark != MARK and (mark or version or tables):
            raise JournalError(f"{self} is a database, but not a journal; name another file")
        elif mark != MARK:
            create(connection)


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its side files the same mode."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o600))


def _identity(path: Path) -> tuple[int, int]:
    """Which file the path names now: what is written to one that was removed is lost."""
    found = os.stat(path)  # noqa: PTH116  # `Path.stat` would cost as much again, each time
    return found.st_dev, found.st_ino
