"""ApswJournal: the journal's own statements through the SQLite of apsw, whose disk is ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apsw

from fsm.journal.sqlite.journal import SQLiteJournal

from .tampered import GUARDS, Edited

__all__ = ["ApswJournal"]

_ERRORS = {
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISMATCH: sqlite3.IntegrityError,
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
}


class Cursor:
    """The rows of one statement, which has run to its end."""

    def __init__(self, rows: list[Any], changed: int) -> None:
        self._rows = iter(rows)
        self.rowcount = changed

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Connection:
    """A connection of apsw as the standard library would have it, as far as the journal asks."""

    def __init__(self, path: str, vfs: str, patience: float, pages: int) -> None:
        self._connection = self._said(apsw.Connection, path, vfs=vfs)
        self._connection.set_busy_timeout(round(patience * 1000))
        self._pages = pages
        self._connection.set_wal_hook(self._write_back)

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def execute(self, statement: str, given: Mapping[str, Any] | tuple[Any, ...] = ()) -> Cursor:
        rows = self._said(lambda: self._connection.execute(statement, given).fetchall())
        return Cursor(rows, self._connection.changes())

    def executemany(self, statement: str, given: Iterable[Mapping[str, Any]]) -> None:
        self._said(lambda: self._connection.executemany(statement, given).fetchall())

    def close(self) -> None:
        try:
            self._connection.close()
        except apsw.Error:  # it is closed: SQLite forgives what then goes wrong with its files
            pass

    def _write_back(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """What SQLite does by itself, errors forgiven as it does: but apsw would raise them."""
        if pages >= self._pages:
            try:
                connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error:
                pass
        return apsw.SQLITE_OK

    def _said(self, call: Any, *given: Any, **named: Any) -> Any:
        """What *call* says; its errors as the standard library would raise them."""
        try:
            return call(*given, **named)
        except apsw.Error as error:
            raised = _ERRORS.get(error.result, sqlite3.OperationalError)(str(error))
            raised.sqlite_errorcode = error.extendedresult
            raised.sqlite_errorname = apsw.mapping_extended_result_codes.get(
                error.extendedresult, apsw.mapping_result_codes.get(error.result, "SQLITE_UNKNOWN")
            )
            raise raised from error


class ApswJournal(SQLiteJournal):
    """A journal on a disk of ours, the VFS of that name; perhaps without one of its guards.

    Args:
        pages: How long the write-ahead log may grow until it is written back. SQLite lets it grow
            to a thousand, which our walks would hardly ever reach.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        vfs: str,
        *,
        pages: int = 1000,
        without: str | None = None,
        patience: float = 1.0,
    ) -> None:
        self._vfs, self._pages = vfs, pages
        self._changes = GUARDS[without] if without else {}
        super().__init__(path, patience=patience)

    def _open_connection(self) -> sqlite3.Connection:
        connection = Connection(str(self.path), self._vfs, self._patience, self._pages)
        return Edited(connection, self._changes)  # type: ignore[return-value]  # as good as one
