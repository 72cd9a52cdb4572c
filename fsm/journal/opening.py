"""Opening: from a URL or a path to the journal it means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from fsm.errors import InvalidArgument, JournalError, MissingExtra
from fsm.journal.memory.journal import MemoryJournal

from .base import Journal
from .redaction import as_redaction

__all__ = ["masked", "open_journal"]

_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?")


def open_journal(
    url: str | os.PathLike[str],
    *,
    redact: Iterable[str | re.Pattern[str]] | None = None,
    make: bool = True,
) -> Journal:
    """Open the journal at *url*, and make it if it is not there yet.

    `memory:` is one that ends with the process; `sqlite:///runs.db` (relative) or
    `sqlite:////var/runs.db` (absolute) is a SQLite file, as is a bare path;
    `postgresql://user@host/name` is a PostgreSQL database (extra `sql`).

    Args:
        redact: Regular expressions. What they match in the texts of a payload becomes `***`
            before it is kept, and so does whatever stands under a name that they match.
        make: Whether to make a journal where there is none.

    Raises:
        InvalidArgument: The URL is of no kind we know, or a pattern is no regular expression.
        MissingExtra: The extra `sql` is needed, and not installed.
        JournalError: There is no journal there, and none can be made.
    """
    text = os.fspath(url) if isinstance(url, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        raise InvalidArgument(f"a journal is opened by a URL or a path, not {url!r}")
    scheme, colon, rest = text.partition(":")
    if not colon or len(scheme) == 1 or os.sep in scheme:  # a path, perhaps with a drive letter
        scheme, rest = "sqlite", f"///{text}"
    if scheme == "memory":
        as_redaction(redact)  # nothing is written down, but what is wrong is said
        return MemoryJournal()
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        from fsm.journal.sqlite.journal import (
            SQLiteJournal,  # at the door: `import fsm` does not pay for sqlite3
        )

        path = rest.removeprefix("///")
        if not make and not os.path.lexists(path):
            raise JournalError(f"no journal is at {path!r}")
        return SQLiteJournal(path, redact=redact)
    if _POSTGRES.fullmatch(scheme):
        try:
            from fsm.journal.postgres.journal import SQLJournal
        except ImportError as error:
            raise MissingExtra("a journal in PostgreSQL", "sql") from error
        if scheme == "postgres":  # as many services write it
            text = f"postgresql:{rest}"
        return SQLJournal(text, redact=redact, make=make)
    raise InvalidArgument(
        f"no journal is at {masked(text)!r}; "
        "use memory:, sqlite:///FILE, the path of a file, or postgresql://USER@HOST/NAME"
    )


def masked(url: str) -> str:
    """The URL without what may be a password: one may stand among the parameters, or hold an @."""
    named = re.sub(r"((?:^|/)[^:/@]*):(?!//).*@", r"\1:***@", url)  # its scheme may be left out
    return re.sub(r"\?.*", "?***", named)
