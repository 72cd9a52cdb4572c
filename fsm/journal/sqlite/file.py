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

from .fork import let_go_before_forks
from .paths import beside, identity, make_file, may_write
from .reader import SQLiteReader
from .schema import MARK, VERSION, create, upgrade

__all__ = ["SQLiteFile"]

_A_MOMENT = 0.01  # seconds
_A_FORK = 1.0  # seconds that one waits for a thread that is in the file
_BARRED = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
_TRIES = 100  # to read between the writes of others, where there is no lock to wait for


class SQLiteFile:
    """One SQLite file, and the one connection to it that the threads of a process share.

    Law: what a transaction is, and what becomes of it when something breaks, is said here alone.

    Args:
        path: The file; made if it is not there. A symbolic link is refused. If it, or the directory
            for its side files, may not be written to, it is read, and refuses what is written.
        patience: Seconds to wait for another writer.
    """

    _connection: sqlite3.Connection | None
    _file: object  # which files were opened

    def __init__(self, path: str | os.PathLike[str], patience: float) -> None:
        try:
            self._name = os.fsdecode(path)
            self.path = Path(path).absolute()  # so that ":memory:", too, is a file of that name
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"a journal is a file, and {path!r} names none") from error
        self._log = str(beside(self.path, "-wal"))
        self._patience = as_seconds(patience, "patience")
        self._renew_process()
        let_go_before_forks(self)
        with self._reading("open the journal"):
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._process != os.getpid():
            return  # a connection inherited over a fork is left alone, not closed
        with self._lock:
            self._let_go()

    def before_fork(self) -> None:
        """Close the file, for parent and child to open it again; see `fork`."""
        if self._process == os.getpid() and self._lock.acquire(timeout=_A_FORK):
            try:
                if self._connection is not None and not self._connection.in_transaction:
                    self._let_go()
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
        self._reader: SQLiteReader | None = None  # who may write has none

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

    def _rows(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        """What a reading statement finds."""
        for _ in range(_TRIES):
            with self._reading(what) as connection:
                try:
                    rows = connection.execute(statement, given).fetchall()
                except sqlite3.DatabaseError:
                    if not self._is_behind():
                        raise
                else:
                    if not self._is_behind():
                        return rows
        raise JournalError(f"cannot {what} in {self}: others write to it all the time; try again")

    def _is_behind(self) -> bool:
        return self._reader is not None and self._reader.behind

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE: the write lock first, so that no reader becomes a writer."""
        with self._reading(what) as connection:
            if self._reader is not None:
                raise JournalError(f"{self} may only be read: cannot {what}")
            if identity(self.path, self._log) != self._file:
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
        if self._is_behind():
            self._let_go()
        if self._connection is None:
            make_file(self.path)
            self._connection = self._opened()
            self._opening = object()
            self._file = identity(self.path, self._log)
        elif self._connection.in_transaction:  # left open by an interrupt: it was never committed
            self._connection.execute("ROLLBACK")
        return self._connection

    def _open_connection(self) -> sqlite3.Connection:
        """The one door to SQLite: a test puts a disk of its own behind it."""
        return sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _opened(self) -> sqlite3.Connection:
        self._reader = None
        if may_write(self.path):
            try:
                return self._opened_to_write()
            except sqlite3.OperationalError as error:
                # Its side files, perhaps: where the directory takes none, one may still read.
                if may_write(self.path.parent) or not error.sqlite_errorname.startswith(_BARRED):
                    raise
        self._reader = SQLiteReader.of(self.path)
        return self._opened_to_read(self._reader)

    def _opened_to_read(self, reader: SQLiteReader) -> sqlite3.Connection:
        connection = reader.connect(self._patience)
        try:
            version = self._version(connection)
            if version != VERSION:
                what = "empty" if version is None else f"a journal of version {version}"
                raise JournalError(
                    f"{self} is {what}; it has to be opened once by somebody who may write to it"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _opened_to_write(self) -> sqlite3.Connection:
        connection = self._open_connection()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            self._prepare_schema(connection)  # first, so that somebody else's file stays as it was
            connection.execute("COMMIT")
            self._use_wal(connection)
            connection.execute("SELECT 1 FROM sqlite_schema").fetchall()  # which makes the log
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
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
                threading.Event().wait(_A_MOMENT)
        connection.execute("PRAGMA journal_mode = WAL")

    def _prepare_schema(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        if version is None:
            create(connection)
        elif version < VERSION:
            upgrade(connection, version)

    def _version(self, connection: sqlite3.Connection) -> int | None:
        """Of which version the journal is; None if nothing is there yet.

        Raises:
            JournalError: There is something else, or of a later version.
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
