"""Journal: the one that --journal names, which is looked into and never made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from fsm.errors import JournalError, UnknownRun, did_you_mean
from fsm.journal import Journal, open_journal

__all__ = ["existing", "journal_option", "unknown"]

Command = TypeVar("Command", bound=Callable[..., Any])

_MAGIC = b"SQLite format 3\0"  # sqlite.org/fileformat.html, 1.3.1
_MOST_RUNS = 10_000  # to look for a similar id in


def journal_option(*, required: bool = True) -> Callable[[Command], Command]:
    """Return the option that says which journal."""
    return click.option(
        "--journal",
        "url",
        envvar="FSM_JOURNAL",
        show_envvar=True,
        required=required,
        metavar="URL",
        help="A file, sqlite:///FILE or postgresql://USER@HOST/NAME.",
    )


@contextmanager
def existing(url: str) -> Iterator[Journal]:
    """Open the journal at *url*, if there is one.

    Raises:
        JournalError: There is none.
        InvalidArgument: The URL is of no kind we know.
    """
    _check_is_there(url)
    with closing(open_journal(url, make=False)) as journal:
        yield journal


def unknown(run: str, journal: Journal) -> UnknownRun:
    """Return the error that says so, with the id that was meant, perhaps, as a note."""
    error = UnknownRun(run, journal)
    ids = (summary.run for summary in islice(journal.runs(), _MOST_RUNS))
    if hint := did_you_mean(run, ids):
        error.add_note(hint.strip(" ()"))
    return error


def _check_is_there(url: str) -> None:
    if url == "memory:":
        raise JournalError("memory: ends with its process, so nothing is there; name a file")
    path = _file(url)
    if path is None:  # not a file: whoever opens it will know
        return
    if not path.exists():
        raise JournalError(f"no journal is at {str(path)!r}")
    if not path.is_file():
        raise JournalError(f"{str(path)!r} is no file, so not a journal")
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
    except OSError as error:
        raise JournalError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if begins != _MAGIC:
        raise JournalError(f"{str(path)!r} is not a journal")


def _file(url: str) -> Path | None:
    scheme, colon, rest = url.partition(":")
    if not url:
        return None
    if not colon or "/" in scheme or len(scheme) == 1:
        return Path(url)
    return Path(rest.removeprefix("///")) if scheme == "sqlite" else None
