"""Opening: what the URL of a journal means, and the journal that it names."""

import errno
import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import attrs

from fsm.errors import InvalidArgument, JournalError, MissingExtra

from . import base
from .redaction import as_redaction
from .sqlite.paths import may_read

__all__ = [
    "Address",
    "JournalURL",
    "check_journal_exists",
    "file_of",
    "mask_password",
    "open_journal",
    "parse_url",
]

_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?")
_SIDE_FILES = ("-wal", "-shm", "-journal")  # what SQLite leaves beside a database
_MOST_FILES = 1_000  # to look for a similar name among


@attrs.frozen
class JournalURL:
    """A journal's URL, parsed."""

    scheme: str  # memory, sqlite, or one of PostgreSQL's
    text: str = attrs.field(repr=lambda text: repr(mask_password(text)))
    file: str | None = None  # of a SQLite journal


def parse_url(url: str | os.PathLike[str]) -> JournalURL:
    """Parse the URL of a journal, or the path of its file.

    Raises:
        InvalidArgument: It names no journal.
    """
    text = os.fspath(url) if isinstance(url, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        raise InvalidArgument(f"a journal is opened by a URL or a path, not {url!r}")
    scheme, colon, rest = text.partition(":")
    if not colon or len(scheme) == 1 or "/" in scheme or os.sep in scheme:
        return JournalURL("sqlite", text, text)  # a path, perhaps with a drive letter
    if scheme == "memory":
        return JournalURL(scheme, text)
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return JournalURL(scheme, text, rest.removeprefix("///"))
    if _POSTGRES.fullmatch(scheme):
        if scheme == "postgres":  # as many services write it; SQLAlchemy does not know it
            return JournalURL("postgresql", f"postgresql:{rest}")
        return JournalURL(scheme, text)
    raise InvalidArgument(
        f"no journal is at {mask_password(text)!r}; "
        "use memory:, sqlite:///FILE, the path of a file, or postgresql://USER@HOST/NAME"
    )


def file_of(url: str) -> Path | None:
    """Return the file that the URL of a journal names; None if it names none."""
    try:
        file = parse_url(url).file
    except InvalidArgument:
        return None
    return None if file is None else Path(file)


def mask_password(url: str) -> str:
    """Return the URL without what may be a password. It may be misspelt.

    A password may stand among the parameters, or hold an `@`.
    """
    named = re.sub(r"((?:^|/)[^:/@]*):(?!//).*@", r"\1:***@", url)  # the scheme may be left out
    return re.sub(r"\?.*", "?***", named)


def open_journal(
    url: str | os.PathLike[str],
    *,
    redact: Iterable[str | re.Pattern[str]] | None = None,
    make: bool = True,
) -> "base.Journal":
    """Open the journal at *url*, and make it if it does not exist.

    `memory:` is a journal that ends with the process; `sqlite:///runs.db` (relative) or
    `sqlite:////var/runs.db` (absolute) is a SQLite file, as is a bare path;
    `postgresql://user@host/name` is a PostgreSQL database (extra `sql`).

    Args:
        redact: Regular expressions. What they match in the texts of a payload becomes `***`
            before it is kept, and so does all that is under a name that they match.
        make: Whether to make a journal where there is none.

    Raises:
        InvalidArgument: The URL names no journal, or a pattern is no regular expression.
        MissingExtra: The extra `sql` is needed, and not installed.
        JournalError: There is no journal there, and none can be made.
    """
    parsed = parse_url(url)
    # Each store is imported on demand: `import fsm` does not pay for sqlite3 or SQLAlchemy.
    if parsed.scheme == "memory":
        from .memory.journal import MemoryJournal

        as_redaction(redact)  # nothing is written out, but a wrong pattern is an error
        return MemoryJournal()
    if parsed.file is not None:
        from .sqlite.journal import SQLiteJournal

        if not make and not os.path.lexists(parsed.file):
            raise JournalError(f"no journal is at {parsed.file!r}")
        return SQLiteJournal(parsed.file, redact=redact)
    try:
        from .postgres.journal import SQLJournal
    except ImportError as error:
        raise MissingExtra("a journal in PostgreSQL", "sql") from error
    return SQLJournal(parsed.text, redact=redact, make=make)


open_journal.__module__ = "fsm"


@attrs.frozen
class Address:
    """A journal's URL and its redaction, by which another process opens it.

    It can be pickled, and then holds the password of the URL.
    """

    __module__ = "fsm.journal"

    url: str = attrs.field(repr=mask_password)
    redact: tuple[re.Pattern[str], ...] = attrs.field(default=(), repr=False)  # may be secrets

    def open(self) -> "base.Journal":
        """Open the journal in this process, with the same redaction.

        Raises:
            JournalError: It cannot be opened here, or is not there any more.
        """
        return open_journal(self.url, redact=self.redact, make=False)


def check_journal_exists(url: str) -> None:
    """Raise unless *url* may name a journal. Nothing is opened: only files are looked at.

    Raises:
        JournalError: It names no journal; says why.
    """
    if url == "memory:":
        raise JournalError("memory: ends with its process, so nothing is there; name a file")
    path = file_of(url)
    if path is None:
        return
    try:
        if not path.exists():
            raise JournalError(f"no journal is at {_mask_path(path)!r}{_similar_file(path)}")
        if not path.is_file():
            raise JournalError(f"{str(path)!r} is no file, so not a journal")
        # Only SQLite may open the file: see sqlite/paths.py.
        empty = not path.stat().st_size
        if not may_read(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        reason = getattr(error, "strerror", None) or error
        raise JournalError(f"cannot read {str(path)!r}: {reason}") from error
    if empty:
        raise JournalError(f"{str(path)!r} is empty, so not a journal")


def _mask_path(path: Path) -> str:
    """The path; without the password, if it is a misspelt URL."""
    return mask_password(str(path)) if "@" in str(path) else str(path)


def _similar_file(path: Path) -> str:
    """A hint at the file in this directory whose name is most like that of *path*."""
    import difflib  # only a wrong path pays for it

    try:
        files = [each for each in islice(path.parent.iterdir(), _MOST_FILES) if each.is_file()]
    except OSError:
        return ""
    named = {each.stem: each.name for each in files if not each.name.endswith(_SIDE_FILES)}
    close = difflib.get_close_matches(path.stem, named, n=1)  # that both end in .db says nothing
    return f" (did you mean {str(path.with_name(named[close[0]]))!r}?)" if close else ""
