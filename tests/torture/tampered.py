"""Tampered: a SQLite journal with one of its guards taken out, to see who notices."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Any

from fsm.journal.sqlite.journal import SQLiteJournal

__all__ = ["GUARDS", "Edited", "Tampered", "opened"]

# What each guard is in the journal's own statements, and what stands there without it.
GUARDS: dict[str, dict[str, str]] = {
    "version check": {
        "version <> NEW.seq - 1 OR state <> NEW.source": "0",
        "PRIMARY KEY (run, seq),": "PRIMARY KEY (run, seq, dest),",
        "FOREIGN KEY (run, seq) REFERENCES steps (run, seq)": "CHECK (1)",
    },
    "epoch check": {"NEW.epoch <> epoch": "0"},
    "edges rule": {"kind <> '' AND NOT EXISTS (": "0 AND NOT EXISTS ("},
    "single transaction": {"BEGIN IMMEDIATE": "SELECT 1", "COMMIT": "SELECT 1"},
    "BEGIN IMMEDIATE": {"BEGIN IMMEDIATE": "BEGIN"},
    "synchronous=FULL": {"PRAGMA synchronous = FULL": "PRAGMA synchronous = NORMAL"},
    "append-only": {
        "RAISE(ABORT, 'fsm: a step is never changed')": "1",
        "RAISE(ABORT, 'fsm: a step is never removed')": "1",
    },
}


class Edited:
    """A connection to which statements come changed."""

    def __init__(self, connection: Any, changes: Mapping[str, str]) -> None:
        self._connection = connection
        self._changes = changes

    def execute(self, statement: str, *given: Any) -> Any:
        for old, new in self._changes.items():
            statement = statement.replace(old, new)
        return self._connection.execute(statement, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Tampered(SQLiteJournal):
    """A journal without one of the guards."""

    def __init__(self, path: str | os.PathLike[str], guard: str, **given: Any) -> None:
        self._changes = GUARDS[guard]
        super().__init__(path, **given)

    def _open_connection(self) -> sqlite3.Connection:
        return Edited(super()._open_connection(), self._changes)  # type: ignore[return-value]  # as good as one


def opened(path: str | os.PathLike[str], without: str | None = None, **given: Any) -> SQLiteJournal:
    """The journal at *path*, perhaps *without* a guard."""
    return SQLiteJournal(path, **given) if without is None else Tampered(path, without, **given)
