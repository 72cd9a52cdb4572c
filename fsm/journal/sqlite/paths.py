"""Paths: the file of a journal and its side files, as the operating system knows them.

Only SQLite may open a file that exists. Closing it would drop all locks that this process has on
it (fcntl(2)). Another process would then take the journal for unused, and remove the side files
that this process goes on writing to.
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
    """Make the file for its owner alone, if it does not exist. SQLite gives side files its mode.

    Raises:
        OSError: It cannot be made, or is a directory or a symbolic link.
    """
    if not os.path.lexists(path):
        with suppress(FileExistsError):  # another process was first
            if sys.platform == "linux":
                os.mknod(path, 0o600)  # without opening it: another thread may have, by now
            else:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    mode = path.lstat().st_mode
    for is_kind, number in ((stat.S_ISLNK, errno.ELOOP), (stat.S_ISDIR, errno.EISDIR)):
        if is_kind(mode):
            raise OSError(number, os.strerror(number), os.fspath(path))


def identity(path: Path, log: str) -> tuple[Inode, Inode | None]:
    """Return which files the path and its write-ahead *log* name now.

    What is written to a file that was removed is lost.
    """
    file = os.stat(path)  # noqa: PTH116  # `Path.stat` would cost as much again, each time
    try:
        ahead = os.stat(log)  # noqa: PTH116  # as above
    except FileNotFoundError:
        return (file.st_dev, file.st_ino), None
    return (file.st_dev, file.st_ino), (ahead.st_dev, ahead.st_ino)


def beside(path: Path, suffix: str) -> Path:
    """Return the path of the side file with this suffix."""
    return path.with_name(path.name + suffix)


def size(path: Path) -> int:
    """Return how many bytes the file has; 0 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def may_read(path: Path) -> bool:
    """Whether this process may read the file."""
    return _may(path, os.R_OK)


def may_write(path: Path) -> bool:
    """Whether this process may write to the file, or make files in the directory."""
    return _may(path, os.W_OK)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
