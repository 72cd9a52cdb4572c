"""Opening: from a URL or a path to the journal it means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fsm.errors import InvalidArgument

from .memory import MemoryJournal

if TYPE_CHECKING:
    from . import Journal

__all__ = ["open_journal"]


def open_journal(url: str | os.PathLike[str]) -> Journal:
    """Open the journal at *url*, and make it if it is not there yet.

    `memory:` is one that ends with the process; `sqlite:///runs.db` (relative) or
    `sqlite:////var/runs.db` (absolute) is a SQLite file, as is a bare path.

    Raises:
        InvalidArgument: The URL is of no kind we know.
        JournalError: There is no journal there, and none can be made.
    """
    text = os.fspath(url) if isinstance(url, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        raise InvalidArgument(f"a journal is opened by a URL or a path, not {url!r}")
    scheme, colon, rest = text.partition(":")
    if not colon or len(scheme) == 1 or os.sep in scheme:  # a path, perhaps with a drive letter
        scheme, rest = "sqlite", f"///{text}"
    if scheme == "memory":
        return MemoryJournal()
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        from .sqlite import SQLiteJournal  # at the door: `import fsm` does not pay for sqlite3

        return SQLiteJournal(rest.removeprefix("///"))
    raise InvalidArgument(
        f"no journal is at {text!r}; use memory:, sqlite:///FILE or the path of a file"
    )
