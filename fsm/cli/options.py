"""Journal: the one that --journal names, which is looked into and never made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, TypeVar

import click

from fsm.durations import parse_duration
from fsm.errors import InvalidArgument, JournalError, UnknownRun, did_you_mean
from fsm.journal import Journal, open_journal

from .place import check_is_there, file_of
from .suggestions import journals

__all__ = ["Choice", "DurationType", "existing", "holding", "journal_option", "opened", "unknown"]

Command = TypeVar("Command", bound=Callable[..., Any])

_MOST_RUNS = 10_000  # to look for a similar id in

_WRITABLE = "one must be allowed to read it and what is beside it; to change it, to write to both"
_DAMAGED = "it is damaged, or was never a journal; take a copy before you do anything to it"

# What SQLite and the system say of a file, and what one can do about it.
_WAYS_OUT = {
    "is locked": "another program holds it; try again when that is done",
    "readonly": _WRITABLE,
    "Permission denied": _WRITABLE,
    "unable to open": _WRITABLE,
    "No such file or directory": "make its directory first",
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
    """Return the option that says which journal."""
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
def existing(url: str) -> Iterator[Journal]:
    """Open the journal at *url*, if there is one.

    Raises:
        JournalError: There is none, or it cannot be read; says what to do where that is known.
        InvalidArgument: The URL is of no kind we know.
    """
    check_is_there(url)
    with opened(url, make=False) as journal:
        yield journal


@contextmanager
def opened(url: str, *, make: bool = True) -> Iterator[Journal]:
    """Open the journal at *url*, and add to what goes wrong there what to do about it."""
    try:
        with closing(open_journal(url, make=make)) as journal:
            yield journal
    except JournalError as error:
        for reason, way_out in _WAYS_OUT.items():
            if file_of(url) is not None and reason in str(error.__cause__):
                error.add_note(way_out)
        raise


@contextmanager
def holding(url: str, run: str) -> Iterator[Journal]:
    """Open the journal at *url*, in which *run* is.

    Raises:
        UnknownRun: It is not.
        JournalError, InvalidArgument: As `existing`.
    """
    with existing(url) as journal:
        try:
            yield journal
        except (UnknownRun, UnicodeEncodeError):  # no journal keeps an id that is no text
            raise unknown(run, journal) from None


def unknown(run: str, journal: Journal) -> UnknownRun:
    """Return the error that says so; its note is the id that was meant, or where to find it."""
    error = UnknownRun(run, journal)
    ids = [summary.run for summary in islice(journal.runs(), _MOST_RUNS)]
    begun = next((id for id in ids if run and id.startswith(run)), None)
    if begun is not None:
        error.add_note(f"did you mean {begun!r}?")
    elif hint := did_you_mean(run, ids):
        error.add_note(hint.strip(" ()"))
    else:
        error.add_note("fsm runs lists those it has" if ids else "it has no runs yet")
    return error
