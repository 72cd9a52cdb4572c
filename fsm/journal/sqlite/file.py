"""SQLiteFile: one SQLite file as a journal has it open, with its transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fsm.durations import as_seconds
from fsm.errors import InvalidArgument, JournalError, JournalUncertain

from .fork import close_before_forks
from .paths import beside, identity, make_file, may_write
from .reader import SQLiteReader
from .schema import MARK, READABLE, VERSION, create, upgrade

__all__ = ["SQLiteFile"]

_PAUSE = 0.01  # seconds between two attempts to switch the journal mode
_FORK_PATIENCE = 1.0  # seconds to wait, before a fork, for a thread that uses the file
_NOT_WRITABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
_MAX_READS = 100  # of one query, between the writes of others, where there is no lock to wait for


class SQLiteFile:
    """One SQLite file, and the one connection to it that the threads of a process share.

    All transactions, and what becomes of them when something breaks, are in this class.

    Args:
        path: The file; made if it does not exist. A symbolic link is refused. If it, or the
            directory for its side files, may not be written to, it can only be read.
        patience: Seconds to wait for another writer.
    """

    _connection: sqlite3.Connection | None
    _file: object  # identity of the files that were opened

    def __init__(self, path: str | os.PathLike[str], patience: float) -> None:
        try:
            self._name = os.fsdecode(path)
            # Absolute, so that ":memory:", too, is a file of that name.
            self.path: Path = Path(path).absolute()
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"a journal is a file, and {path!r} names none") from error
        self._log = str(beside(self.path, "-wal"))
        self._patience = as_seconds(patience, "patience")
        self._renew_process()
        close_before_forks(self)
        with self._reading("open the journal"):
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._process != os.getpid():
            return  # a connection inherited over a fork must not be closed
        with self._lock:
            self._disconnect()

    def before_fork(self) -> None:
        """Close the file; parent and child open it again. See `sqlite.fork`."""
        if self._process == os.getpid() and self._lock.acquire(timeout=_FORK_PATIENCE):
            try:
                if self._connection is not None and not self._connection.in_transaction:
                    self._disconnect()
            except sqlite3.ProgrammingError:  # it is closed already, though not by us
                pass
            finally:
                self._lock.release()

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
        self._reader: SQLiteReader | None = None  # None if the file may be written to

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._renew_process()

    @contextmanager
    def _reading(self, action: str) -> Iterator[sqlite3.Connection]:
        """Lend the connection to this thread. *action* is for the error."""
        self._check_process()
        with self._lock:
            try:
                yield self._connect()
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                raise JournalError(f"cannot {action} in {self}: {error}") from error

    def _rows(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a reading statement; return its rows."""
        for _ in range(_MAX_READS):
            with self._reading(action) as connection:
                try:
                    rows = connection.execute(statement, parameters).fetchall()
                except sqlite3.DatabaseError:
                    if not self._is_stale():
                        raise
                else:
                    if not self._is_stale():
                        return rows
        raise JournalError(
            f"cannot {action} in {self}: other processes write to it all the time; try again"
        )

    def _is_stale(self) -> bool:
        return self._reader is not None and self._reader.is_stale

    @contextmanager
    def _writing(self, action: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE takes the write lock first: no reader becomes a writer."""
        with self._reading(action) as connection:
            if self._reader is not None:
                raise JournalError(f"{self} may only be read: cannot {action}")
            if identity(self.path, self._log) != self._file:
                raise JournalError(f"cannot {action}: {self} was replaced while it was open")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                self._commit(connection, action)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _commit(self, connection: sqlite3.Connection, action: str) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_IOERR"):  # it may yet be on the disk
                raise JournalUncertain(
                    f"cannot say whether {self} kept it, when asked to {action}: {error}"
                ) from error
            raise

    def _connect(self) -> sqlite3.Connection:
        if self._is_stale():
            self._disconnect()
        if self._connection is None:
            make_file(self.path)
            self._connection = self._open()
            self._opening = object()
            self._file = identity(self.path, self._log)
        elif self._connection.in_transaction:  # left open by an interrupt: it was never committed
            self._connection.execute("ROLLBACK")
        return self._connection

    def _open_connection(self) -> sqlite3.Connection:
        """Connect to SQLite. Only here: a test replaces it by a connection to a faulty disk."""
        return sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._reader = None
        if may_write(self.path):
            try:
                return self._open_to_write()
            except sqlite3.OperationalError as error:
                # Perhaps the directory takes no side files: then the file may still be read.
                writable = may_write(self.path.parent)
                if writable or not error.sqlite_errorname.startswith(_NOT_WRITABLE):
                    raise
        self._reader = SQLiteReader.of(self.path)
        return self._open_to_read(self._reader)

    def _open_to_read(self, reader: SQLiteReader) -> sqlite3.Connection:
        connection = reader.connect(self._patience)
        try:
            version = self._version(connection)
            if version not in READABLE:
                what = "empty" if version is None else f"a journal of version {version}"
                raise JournalError(
                    f"{self} is {what}; a process that may write to it has to open it once"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_write(self) -> sqlite3.Connection:
        connection = self._open_connection()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            self._prepare_schema(connection)  # first, so that a foreign file stays as it was
            connection.execute("COMMIT")
            self._use_wal(connection)
            connection.execute("SELECT 1 FROM sqlite_schema").fetchall()  # which makes the log
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to write-ahead logging, which is possible while no one else uses the file.

        SQLite does not wait for that by itself.
        """
        for _ in range(max(1, int(self._patience / _PAUSE))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
                threading.Event().wait(_PAUSE)
        connection.execute("PRAGMA journal_mode = WAL")

    def _prepare_schema(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        if version is None:
            create(connection)
        elif version < VERSION:
            try:
                upgrade(connection, version)
            except JournalError as error:
                raise JournalError(
                    f"cannot upgrade {self} from version {version}: {error}"
                ) from error

    def _version(self, connection: sqlite3.Connection) -> int | None:
        """Return the version of the journal; None if the file is empty.

        Raises:
            JournalError: The file is something else, or of a later version.
        """
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if mark == MARK and version > VERSION:
            raise JournalError(
                f"{self} is a journal of version {version}; this release reads version {VERSION}"
            )
        if mark != MARK and (mark or version or tables):
            raise JournalError(f"{self} is a database, but not a journal; name another file")
        return version if mark == MARK else None
