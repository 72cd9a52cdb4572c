"""Place: what a journal's URL names on this machine, looked at before anybody opens it."""

from __future__ import annotations

import errno
import os
from itertools import islice
from pathlib import Path

from fsm.errors import JournalError
from fsm.journal.opening import masked
from fsm.journal.sqlite.paths import may_read

__all__ = ["check_is_there", "file_of"]

_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite leaves next to a database
_MOST_FILES = 1_000  # to look for a similar name among


def check_is_there(url: str) -> None:
    """Refuse a URL that names no journal, as far as can be told from outside.

    Raises:
        JournalError: It names none; says why.
    """
    if url == "memory:":
        raise JournalError("memory: ends with its process, so nothing is there; name a file")
    path = file_of(url)
    if path is None:  # not a file: whoever opens it will know
        return
    try:
        if not path.exists():
            raise JournalError(f"no journal is at {_shown(path)!r}{_meant(path)}")
        if not path.is_file():
            raise JournalError(f"{str(path)!r} is no file, so not a journal")
        empty = not path.stat().st_size  # not opened: see the law of fsm/journal/place.py
        if not may_read(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        reason = getattr(error, "strerror", None) or error
        raise JournalError(f"cannot read {str(path)!r}: {reason}") from error
    if empty:
        raise JournalError(f"{str(path)!r} is empty, so not a journal")


def file_of(url: str) -> Path | None:
    """The file that *url* names, if it names one."""
    scheme, colon, rest = url.partition(":")
    if not url:
        return None
    if not colon or "/" in scheme or len(scheme) == 1:
        return Path(url)
    named = rest.removeprefix("///")
    return Path(named) if scheme == "sqlite" and named not in ("", rest) else None


def _shown(path: Path) -> str:
    """Its name; it may be a URL that was misspelt, with a password."""
    return masked(str(path)) if "@" in str(path) else str(path)


def _meant(path: Path) -> str:
    """What the folder has instead."""
    import difflib  # at the door: only who errs pays for it

    try:
        files = [each for each in islice(path.parent.iterdir(), _MOST_FILES) if each.is_file()]
    except OSError:
        return ""
    named = {each.stem: each.name for each in files if not each.name.endswith(_BESIDE)}
    close = difflib.get_close_matches(path.stem, named, n=1)  # that both end in .db says nothing
    return f" (did you mean {str(path.with_name(named[close[0]]))!r}?)" if close else ""
