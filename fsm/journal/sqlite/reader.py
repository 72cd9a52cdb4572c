"""SQLiteReader: opens a SQLite file that this process may not write to."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Self

import attrs

from fsm.errors import JournalError

from .paths import beside, may_read, size

__all__ = ["SQLiteReader"]

Fingerprint = tuple[int, int, int, int, int]


@attrs.frozen
class SQLiteReader:
    """Opens a SQLite file that this process may not write to.

    No file is made, not even one beside it. SQLite would make missing side files for this process,
    and those who may write to the journal could not write to them.

    While another process has the file open for writing, SQLite's locks keep the two apart. While
    none has, there is no lock to take without making a file, so SQLite is told that the file is
    immutable. That holds only while no one begins to write: the file is looked at before and after
    each query, and if the reader `is_stale`, the query is repeated by another one.
    """

    path: Path
    fingerprint: Fingerprint | None  # of the file when it was opened; None where it is locked

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at the file, before it is opened.

        Raises:
            JournalError: A side file that belongs to it may not be read.
            OSError: It does not exist.
        """
        for side in (beside(path, "-wal"), beside(path, "-shm")):
            if size(side) and not may_read(side):
                raise JournalError(
                    f"{path} is open elsewhere, and {side.name} may not be read; "
                    "it needs the mode of the journal"
                )
        return cls(path, _fingerprint(path))

    def connect(self, patience: float) -> sqlite3.Connection:
        """Open the file; wait *patience* seconds for locks."""
        how = "mode=ro&readonly_shm=1" if self.fingerprint is None else "mode=ro&immutable=1"
        return sqlite3.connect(
            f"{self.path.as_uri()}?{how}",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
        )

    @property
    def is_stale(self) -> bool:
        """Whether the file may have changed since, unknown to SQLite."""
        return self.fingerprint is not None and self.fingerprint != _fingerprint(self.path)


def _fingerprint(path: Path) -> Fingerprint | None:
    """Identity, size and times of the file; None if side files hold a part of the journal."""
    file = path.stat()
    if size(beside(path, "-wal")) or size(beside(path, "-journal")):
        return None
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns
