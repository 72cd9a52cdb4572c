"""Problem: what goes wrong, told to a person in lines or to a program as JSON; both on stderr."""

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

__all__ = ["FAILED", "INTERRUPTED", "answer", "hint", "wants_json"]

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell counts

_ASKING = ("--json", "--format=json")


def answer(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, and return the exit code."""
    if os.environ.get("FSM_TRACEBACK"):
        traceback.print_exception(error)
    if isinstance(error, click.Abort):
        return INTERRUPTED
    sentence = _sentence(error)
    with suppress(OSError):  # nobody listens there either
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
    """Whether the command line asks for JSON: it may be too wrong for click to know."""
    given = args[: args.index("--")] if "--" in args else args
    joined = (f"{option}={value}" for option, value in pairwise(given))
    return any(word in _ASKING for word in (*given, *joined))


def hint(error: BaseException) -> str | None:
    """What its notes say of the way out, if anything."""
    return "; ".join(getattr(error, "__notes__", ())) or None


def _put_json(error: Exception, sentence: str) -> None:
    way_out = hint(error)
    if isinstance(error, click.UsageError):
        if isinstance(error, NoArgsIsHelpError):  # its sentence is the whole help
            sentence = "no command is named"
        if error.ctx is not None and way_out is None:
            way_out = f"{error.ctx.command_path} --help says what there is"
    data = {"error": sentence, "kind": type(error).__name__, "hint": way_out}
    click.echo(as_line(data), err=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, click.NoSuchOption):
        return _of_option(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, LifecycleError | StateError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    if isinstance(error, OSError) and _is_of_output(error):
        _abandon_output()
        return f"cannot write the output: {error.strerror or error}"
    error.add_note("FSM_TRACEBACK=1 in the environment shows where")
    return f"unexpected {type(error).__name__}: {error}"


def _of_option(error: click.NoSuchOption) -> str:
    """What is said of a word that begins with - and is no option there."""
    name, command = error.option_name, error.ctx and error.ctx.command
    if isinstance(command, click.Group):
        of_commands = (each.params for each in command.commands.values())
        if any(name in parameter.opts for each in of_commands for parameter in each):
            return f"{name} is said after the command, not before it"
    parameters = command.params if command else ()
    if not error.possibilities and any(isinstance(each, click.Argument) for each in parameters):
        return f"No such option {name!r}; a word that begins with - is written after --"
    return error.format_message()


def _is_of_output(error: OSError) -> bool:
    """Whether it was raised while printing: no other error of theirs comes without a filename."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    raised_in = str(frames[-1].f_globals.get("__name__")) if frames else ""
    return raised_in.partition(".")[0] in {"click", "rich"}


def _abandon_output() -> None:
    """Let what is still buffered go nowhere: written at exit, it would fail once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
