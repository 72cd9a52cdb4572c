"""Program: the group of all commands, and the rim where errors become lines and exit codes.

The law of this file: 0 is success, 1 a failure that says why in one line, 2 a wrong command line,
130 Ctrl-C; never a traceback that nobody asked for.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from fsm.errors import LifecycleError
from states import StateError

from .screen import shown

__all__ = ["FAILED", "INTERRUPTED", "Program", "main"]

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell counts

_EPILOG = """\b
Examples:
  fsm show fsm:TaskRun
  fsm diagram shop.orders:Order -o order.svg
  fsm runs --journal runs.db --state Failed
  fsm history load-7 --journal runs.db

\b
Completion, for bash, zsh or fish:
  eval "$(_FSM_COMPLETE=bash_source fsm)"
"""


class Program(click.Group):
    """A group of commands that answers every error itself."""

    def main(  # type: ignore[override]  # click's overloads, as one
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run as a program does, and exit."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # it may have no arrows, or be closed
            sys.stdout.reconfigure(errors="backslashreplace")
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name, **extra)
        except Exception as error:
            code = _answer(error)
        sys.exit(code)


def _answer(error: Exception) -> int:
    """Say what went wrong, on stderr, and return the exit code."""
    if os.environ.get("FSM_TRACEBACK"):
        traceback.print_exception(error)
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, click.UsageError):
        _show_usage(error)
        return error.exit_code
    lines = [f"error: {shown(_sentence(error))}"]
    lines += [f"note: {shown(note)}" for note in getattr(error, "__notes__", ())]
    with suppress(OSError):  # nobody listens there either
        click.echo("\n".join(lines), err=True)
    return FAILED


def _show_usage(error: click.UsageError) -> None:
    with suppress(OSError):
        if isinstance(error, NoArgsIsHelpError):
            error.show()
        else:
            click.UsageError(shown(error.format_message()), error.ctx).show()


def _sentence(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, LifecycleError | StateError):
        return str(error)
    if isinstance(error, OSError) and error.filename is None:
        _abandon_output()
        return f"cannot write the output: {error.strerror or error}"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror or error}"
    error.add_note("FSM_TRACEBACK=1 in the environment shows where")
    return f"unexpected {type(error).__name__}: {error}"


def _abandon_output() -> None:
    """Let what is still buffered go nowhere: written at exit, it would fail once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        try:
            version = importlib.metadata.version("runstates")
        except importlib.metadata.PackageNotFoundError:
            version = "(a checkout, not installed)"
        click.echo(f"fsm {version}")
        ctx.exit()


@click.group(
    cls=Program,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Show lifecycles as tables and diagrams, and what journals know of their runs.

    A TARGET is a Run class, written package.module:Class; modules in the current directory are
    found. A journal is a file or a URL such as sqlite:///runs.db, given with --journal or in
    FSM_JOURNAL.
    """
