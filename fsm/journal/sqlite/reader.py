"""SQLiteReader: how a SQLite file is read by who may not write to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Self

import attrs

from fsm.errors import JournalError

from .paths import beside, may_read, size

__all__ = ["SQLiteReader"]

Seen = tuple[int, int, int, int, int]


@attrs.frozen
class SQLiteReader:
    """How a SQLite file is read by who may not write to it.

    Law: no file is made, not even one beside it. SQLite would make what it lacks for itself, and
    who may write to the journal could not write to that.

    While somebody has the file open for writing, SQLite's locks keep the two apart. While nobody
    has, there is no lock that a reader could take without making a file, so SQLite is told that
    the file is immutable. That assumes that nobody comes to write while we read: we look at the
    file before and after, and whoever finds the reader `behind` asks another one again.
    """

    path: Path
    seen: Seen | None  # the file as it stood; None where it is locked

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at the file, before it is opened.

        Raises:
            JournalError: What stands beside it, and belongs to it, may not be read.
            OSError: It is not there.
        """
        for side in (beside(path, "-wal"), beside(path, "-shm")):
            if size(side) and not may_read(side):
                raise JournalError(
                    f"{path} is open elsewhere, and {side.name} may not be read; "
                    "it needs the mode of the journal"
                )
        return cls(path, _seen(path))

    def connect(self, patience: float) -> sqlite3.Connection:
        """Open the file."""
        how = "mode=ro&readonly_shm=1" if self.seen is None else "mode=ro&immutable=1"
        return sqlite3.connect(
            f"{self.path.as_uri()}?{how}",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
        )

    @property
    def behind(self) -> bool:
        """Whether the file may have changed since, unknown to SQLite."""
        return self.seen is not None and self.seen != _seen(self.path)


def _seen(path: Path) -> Seen | None:
    """The file as it stands; None if there is more to it than the file."""
    found = path.stat()
    if size(beside(path, "-wal")) or size(beside(path, "-journal")):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
