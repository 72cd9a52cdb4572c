"""Errors of the command line: on stderr, as lines for people or as JSON for programs."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import click
from click.exceptions import NoArgsIsHelpError

from fsm.errors import LifecycleError
from fsm.states import StateError
from fsm.text import escape

from .printing import as_line

__all__ = ["FAILED", "INTERRUPTED", "hint", "report_error", "wants_json"]

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, the exit code that a shell reports

_JSON_OPTIONS = ("--json", "--format=json")


def report_error(error: Exception, *, as_json: bool) -> int:
    """Print *error* on stderr and return the exit code.

    With FSM_TRACEBACK in the environment, its traceback comes first.
    """
    if os.environ.get("FSM_TRACEBACK"):
        traceback.print_exception(error)
    if isinstance(error, click.Abort):
        return INTERRUPTED
    sentence = _sentence(error)
    with suppress(OSError):  # stderr may be closed too
        if as_json:
            _put_json(error, sentence)
        elif isinstance(error, NoArgsIsHelpError):
            error.show()
        elif isinstance(error, click.UsageError):
            click.UsageError(escape(sentence), error.ctx).show()
        else:
            notes = (f"note: {escape(note)}" for note in getattr(error, "__notes__", ()))
            click.echo("\n".join((f"error: {escape(sentence)}", *notes)), err=True)
    return error.exit_code if isinstance(error, click.UsageError) else FAILED


def wants_json(args: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; click cannot say so of a line that it rejects."""
    given = args[: args.index("--")] if "--" in args else args
    joined = (f"{option}={value}" for option, value in pairwise(given))
    return any(word in _JSON_OPTIONS for word in (*given, *joined))


def hint(error: BaseException) -> str | None:
    """Return the notes of *error*, which say what to do; None if it has none."""
    return "; ".join(getattr(error, "__notes__", ())) or None


def _put_json(error: Exception, sentence: str) -> None:
    way_out = hint(error)
    if isinstance(error, click.UsageError):
        if isinstance(error, NoArgsIsHelpError):  # its message is the whole help text
            sentence = "no command is given"
        if error.ctx is not None and way_out is None:
            way_out = f"see {error.ctx.command_path} --help"
    data = {"error": sentence, "kind": type(error).__name__, "hint": way_out}
    click.echo(as_line(data), err=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, click.NoSuchOption):
        return _unknown_option(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, LifecycleError | StateError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    if isinstance(error, OSError) and _is_of_output(error):
        _abandon_output()
        return f"cannot write the output: {error.strerror or error}"
    error.add_note("set FSM_TRACEBACK=1 to see the traceback")
    return f"unexpected {type(error).__name__}: {error}"


def _unknown_option(error: click.NoSuchOption) -> str:
    """Return the message about a word that begins with - and is not an option of the command."""
    name, command = error.option_name, error.ctx and error.ctx.command
    if isinstance(command, click.Group):
        of_commands = (each.params for each in command.commands.values())
        if any(name in parameter.opts for each in of_commands for parameter in each):
            return f"write {name} after the command, not before it"
    parameters = command.params if command else ()
    if not error.possibilities and any(isinstance(each, click.Argument) for each in parameters):
        return f"No such option {name!r}; write an argument that begins with - after --"
    return error.format_message()


def _is_of_output(error: OSError) -> bool:
    """Whether click or rich raised it while printing: their other errors have a filename."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    raised_in = str(frames[-1].f_globals.get("__name__")) if frames else ""
    return raised_in.partition(".")[0] in {"click", "rich"}


def _abandon_output() -> None:
    """Send what is still buffered to the null device: written at exit, it would fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
