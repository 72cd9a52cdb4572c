"""Options that several commands share, and how the journal that `--journal` names is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, TypeVar

import click

from fsm.durations import parse_duration
from fsm.errors import InvalidArgument, JournalError, UnknownRun, did_you_mean
from fsm.journal import Journal, open_journal
from fsm.journal.opening import check_journal_exists, file_of

from .suggestions import journals

__all__ = [
    "Choice",
    "DurationType",
    "journal_option",
    "open_existing",
    "open_for_run",
    "open_with_hints",
    "unknown_run",
]

Command = TypeVar("Command", bound=Callable[..., Any])

_MOST_RUNS = 10_000  # runs among which a similar id is looked for

_ACCESS = "check the permissions of the file and its directory: reading needs both, writing too"
_DAMAGED = "it is damaged or was never a journal; make a copy before you try to repair it"

# Parts of messages of SQLite and the system about a file, and what to do about each.
_WAYS_OUT = {
    "is locked": "another program has locked it; try again when that has finished",
    "readonly": _ACCESS,
    "Permission denied": _ACCESS,
    "unable to open": _ACCESS,
    "No such file or directory": "create its directory first",
    "Is a directory": "name a file in it",
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
}


class DurationType(click.ParamType[float]):
    """A duration such as `90s` or `1h30m`, as seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        try:
            return float(value) if isinstance(value, int | float) else parse_duration(str(value))
        except InvalidArgument as error:
            self.fail(str(error), param, ctx)


class Choice(click.Choice[str]):
    """One word of a few. The error for any other word suggests the nearest of them."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return click's message with the suggestion."""
        message = super().get_invalid_choice_message(value, ctx).rstrip(".")
        return f"{message}{did_you_mean(str(value), self.choices)}"


def journal_option(*, required: bool = True) -> Callable[[Command], Command]:
    """Return the option `--journal`, which is also read from FSM_JOURNAL."""
    return click.option(
        "--journal",
        "url",
        envvar="FSM_JOURNAL",
        show_envvar=True,
        required=required,
        metavar="URL",
        shell_complete=journals,
        help="A file, sqlite:///FILE or postgresql://USER@HOST/NAME.",
    )


@contextmanager
def open_existing(url: str) -> Iterator[Journal]:
    """Open the journal at *url*; never create one.

    Raises:
        JournalError: There is none, or it cannot be read; its note says what to do if known.
        InvalidArgument: The URL is not of a known form.
    """
    check_journal_exists(url)
    with open_with_hints(url, make=False) as journal:
        yield journal


@contextmanager
def open_with_hints(url: str, *, make: bool = True) -> Iterator[Journal]:
    """Open the journal at *url*; add a note to its errors that says what to do about them.

    Args:
        url: A file or a URL.
        make: Create the journal if there is none.
    """
    try:
        with closing(open_journal(url, make=make)) as journal:
            yield journal
    except JournalError as error:
        for reason, way_out in _WAYS_OUT.items():
            if file_of(url) is not None and reason in str(error.__cause__):
                error.add_note(way_out)
        raise


@contextmanager
def open_for_run(url: str, run: str) -> Iterator[Journal]:
    """Open the journal at *url* to work with *run*.

    Raises:
        UnknownRun: The block asked for the run, and the journal has none of that id; the note
            names a similar one.
        JournalError: There is no journal, or it cannot be read.
        InvalidArgument: The URL is not of a known form.
    """
    with open_existing(url) as journal:
        try:
            yield journal
        except (UnknownRun, UnicodeEncodeError):  # an id with lone surrogates
            raise unknown_run(run, journal) from None


def unknown_run(run: str, journal: Journal) -> UnknownRun:
    """Return the error for an unknown run; its note names a similar id, or says where to look."""
    error = UnknownRun(run, journal)
    ids = [summary.run for summary in islice(journal.runs(), _MOST_RUNS)]
    begun = next((id for id in ids if run and id.startswith(run)), None)
    if begun is not None:
        error.add_note(f"did you mean {begun!r}?")
    elif hint := did_you_mean(run, ids):
        error.add_note(hint.strip(" ()"))
    else:
        error.add_note("fsm runs lists the runs it has" if ids else "it has no runs yet")
    return error
