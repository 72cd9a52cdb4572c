"""FaultyDisk: a disk whose k-th call fails, and perhaps those after it."""

from __future__ import annotations

from typing import Any

import apsw

__all__ = ["KINDS", "FaultyDisk"]

# What each kind of fault makes of each call; a call that is not named goes well.
KINDS: dict[str, dict[str, int]] = {
    "an error of input and output": {
        "open": apsw.SQLITE_CANTOPEN,
        "delete": apsw.SQLITE_IOERR_DELETE,
        "read": apsw.SQLITE_IOERR_READ,
        "write": apsw.SQLITE_IOERR_WRITE,
        "truncate": apsw.SQLITE_IOERR_TRUNCATE,
        "sync": apsw.SQLITE_IOERR_FSYNC,
        "size": apsw.SQLITE_IOERR_FSTAT,
        "lock": apsw.SQLITE_IOERR_LOCK,
    },
    "a full disk": {"write": apsw.SQLITE_FULL},
    "a disk that became read-only": {
        "open": apsw.SQLITE_READONLY,
        "delete": apsw.SQLITE_READONLY,
        "write": apsw.SQLITE_READONLY,
        "truncate": apsw.SQLITE_READONLY,
    },
}


class FaultyDisk(apsw.VFS):
    """A VFS that fails where it is told."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.mend()

    def fail(self, kind: str, first: int, last: int) -> None:
        """Let the calls of these numbers fail, the next one being 0."""
        self._codes, self._first, self._last = KINDS[kind], first, last
        self._calls = self.failed = 0

    def mend(self) -> None:
        """Let all go well again."""
        self._codes: dict[str, int] = {}
        self._first = self._last = self._calls = self.failed = 0

    def fault(self, call: str) -> Exception | None:
        """What is to be raised from *call* now, if anything."""
        if call not in self._codes:
            return None
        number, self._calls = self._calls, self._calls + 1
        if not self._first <= number <= self._last:
            return None
        self.failed += 1
        return apsw.exception_for(self._codes[call])

    def check(self, call: str) -> None:
        if (fault := self.fault(call)) is not None:
            raise fault

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        self.check("open")
        return _FaultyFile(self, name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:
        self.check("delete")
        super().xDelete(name, syncdir)

    def excepthook(self, *error: object) -> None:
        """Say nothing of the faults that SQLite answers itself."""


class _FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.check("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        if (fault := self._disk.fault("write")) is not None:
            super().xWrite(data[: len(data) // 2], offset)  # as much as there is room for
            raise fault
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.check("truncate")
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.check("sync")
        super().xSync(flags)

    def xFileSize(self) -> int:
        self._disk.check("size")
        return super().xFileSize()

    def xLock(self, level: int) -> None:
        self._disk.check("lock")
        super().xLock(level)

    def excepthook(self, *error: object) -> None:
        """As the disk's."""
