"""The program `fsm`: the group of all commands, which turns errors into lines and exit codes.

Exit codes: 0 success, 1 failure with its reason in one line, 2 wrong command line, 130 Ctrl-C. A
traceback is printed only if FSM_TRACEBACK is set.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from .errors import FAILED, report_error, wants_json

__all__ = ["COMPLETE", "Program", "main"]

COMPLETE = "_FSM_COMPLETE"  # the variable with which a shell asks for completions

_NAME = 10  # columns of the longest command name
_HELP = """Show lifecycles as tables and diagrams, read journals of runs, act on runs.

A TARGET is a Run class, written package.module:Class; modules in the current directory are found. A
journal is a file or a URL such as sqlite:///runs.db, given with --journal or in FSM_JOURNAL.
"""
_EPILOG = """\b
Examples:
  fsm show
  fsm diagram shop.orders:Order -o order.svg
  fsm runs --journal runs.db --state Failed
  fsm story load-7 --journal runs.db

With --json, output is JSON; errors are too, on stderr: one object with error, kind and hint. Times
are ISO 8601 in UTC. Exit codes: 0 success; 1 something was refused, failed or found wrong; 2 wrong
command line; 130 interrupted with Ctrl-C. serve, top and work run until Ctrl-C and then exit with
0.
"""


class Program(click.Group):
    """A group of commands in sections, which reports every error itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections: dict[str, tuple[click.Command, ...]] = {}

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add commands that the help lists under *title*."""
        self.sections[title] = commands
        for command in commands:
            self.add_command(command)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click gives it
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the commands of each section."""
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        ((command.name or "").ljust(_NAME), command.get_short_help_str(limit=200))
                        for command in commands
                    ]
                )

    def main(  # type: ignore[override]  # click's overloads, as one
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run the command line and exit."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # its encoding may lack arrows
            sys.stdout.reconfigure(errors="backslashreplace")
        given = sys.argv[1:] if args is None else list(args)
        extra = {"complete_var": COMPLETE, **extra, "standalone_mode": False}
        try:
            code = super().main(given, prog_name, **extra)
        except Exception as error:
            completing = COMPLETE in os.environ  # print nothing into a line being typed
            code = FAILED if completing else report_error(error, as_json=wants_json(given))
        sys.exit(code)


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
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version and exit.",
)
def main() -> None:
    """Run the command `fsm`."""
