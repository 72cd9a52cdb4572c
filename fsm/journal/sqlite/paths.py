"""Place: the file of a journal and those beside it, as the system knows them.

Law: a file that is there is opened by SQLite and by nobody else. To close it would drop all locks
that this process has on it (fcntl(2)), and another process, as if nobody used them, would tidy
away the side files that we go on writing to.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["beside", "identity", "make_file", "may_read", "may_write", "size"]

Inode = tuple[int, int]


def make_file(path: Path) -> None:
    """Make the file for its owner alone, if it is not there; SQLite gives its side files the same.

    Raises:
        OSError: It cannot be made, or is a directory or a symbolic link.
    """
    if not os.path.lexists(path):
        with suppress(FileExistsError):  # another was first
            if sys.platform == "linux":
                os.mknod(path, 0o600)  # without opening it: another thread may have, by now
            else:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    mode = path.lstat().st_mode
    for of_kind, number in ((stat.S_ISLNK, errno.ELOOP), (stat.S_ISDIR, errno.EISDIR)):
        if of_kind(mode):
            raise OSError(number, os.strerror(number), os.fspath(path))


def identity(path: Path, log: str) -> tuple[Inode, Inode | None]:
    """Which files the path and its write-ahead *log* name now.

    What is written to one that was removed is lost.
    """
    found = os.stat(path)  # noqa: PTH116  # `Path.stat` would cost as much again, each time
    try:
        ahead = os.stat(log)  # noqa: PTH116  # as above
    except FileNotFoundError:
        return (found.st_dev, found.st_ino), None
    return (found.st_dev, found.st_ino), (ahead.st_dev, ahead.st_ino)


def beside(path: Path, suffix: str) -> Path:
    """The side file of that suffix."""
    return path.with_name(path.name + suffix)


def size(path: Path) -> int:
    """How many bytes are there; of no file, 0."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def may_read(path: Path) -> bool:
    """Whether the system lets us read there."""
    return _may(path, os.R_OK)


def may_write(path: Path) -> bool:
    """Whether the system lets us write there: to a directory, that is to make files in it."""
    return _may(path, os.W_OK)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)
