"""Source: a journal that may disappear and come back while it is looked at."""

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
    """Opens a journal when it is needed, and again after it failed; never makes one.

    One at a time uses it, so that nobody has it closed under them.

    Args:
        opening: Opens the journal, or raises `JournalError` while it is not there.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._journal: Journal | None = None
        self._file: tuple[int, int] | None = None

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Lend the journal.

        Raises:
            JournalError: It is not there now; the next time may be better.
        """
        with self._lock:
            try:
                yield self._ready()
            except UnknownRun:  # the journal itself is well
                raise
            except JournalError:
                self._let_go()
                raise

    def close(self) -> None:
        """Close the journal; the next use opens it again."""
        with self._lock:
            self._let_go()

    def _ready(self) -> Journal:
        # A file that was removed would be read, and written, for as long as it is held open.
        if self._journal is not None and _identity(self._journal) != self._file:
            self._let_go()
        if self._journal is None:
            self._journal = self._open.enter_context(self._opening())
            self._file = _identity(self._journal)
        return self._journal

    def _let_go(self) -> None:
        self._journal = None
        self._open.close()


def _identity(journal: Journal) -> tuple[int, int] | None:
    """Which file its path names now; None for one that is no file, or gone."""
    path = getattr(journal, "path", None)
    if not isinstance(path, Path):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
