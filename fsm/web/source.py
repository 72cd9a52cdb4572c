"""A journal that may disappear and come back while it is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from fsm.errors import JournalError, UnknownRun
from fsm.journal import Journal

__all__ = ["Opening", "Source"]

Opening = Callable[[], AbstractContextManager[Journal]]


class Source:
    """Opens a journal when it is used, and again after an error; never creates one.

    One thread at a time uses it, so that no thread closes it while another reads.

    Args:
        opening: Opens the journal, or raises `JournalError` while it is not there.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._journal: Journal | None = None
        self._file: tuple[int, int] | None = None

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Provide the journal.

        Raises:
            JournalError: It cannot be read now; the next use opens it again.
        """
        with self._lock:
            try:
                yield self._open_if_needed()
            except UnknownRun:  # the journal itself works
                raise
            except JournalError:
                self._release()
                raise

    def close(self) -> None:
        """Close the journal; the next use opens it again."""
        with self._lock:
            self._release()

    def _open_if_needed(self) -> Journal:
        # An open file that was removed or replaced would still be read and written.
        if self._journal is not None and _identity(self._journal) != self._file:
            self._release()
        if self._journal is None:
            self._journal = self._stack.enter_context(self._opening())
            self._file = _identity(self._journal)
        return self._journal

    def _release(self) -> None:
        self._journal = None
        self._stack.close()


def _identity(journal: Journal) -> tuple[int, int] | None:
    """Return which file the journal's path names now; None if it is no file, or is gone."""
    path = getattr(journal, "path", None)
    if not isinstance(path, Path):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
