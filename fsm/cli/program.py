"""Program: the group of all commands, and the rim where errors become lines and exit codes.

The law of this file: 0 is success, 1 a failure that says why in one line, 2 a wrong command line,
130 Ctrl-C; never a traceback that nobody asked for.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from .errors import FAILED, answer, wants_json

__all__ = ["COMPLETE", "Program", "main"]

COMPLETE = "_FSM_COMPLETE"  # the variable by which a shell asks what may follow

_NAME = 10  # columns of the longest name of a command
_EPILOG = """\b
Examples:
  fsm show
  fsm diagram shop.orders:Order -o order.svg
  fsm runs --journal runs.db --state Failed
  fsm story load-7 --journal runs.db

With --json answers are JSON, and so are errors, on stderr: one object with error, kind and hint.
Points in time are ISO 8601 in UTC. The exit code is 0, 1 if something is refused, fails or is
found wrong, 2 for a wrong command line, 130 if a Ctrl-C cut it short: serve, top and work go on
until there is one, and end with 0.
"""


class Program(click.Group):
    """A group of commands, in sections by what one wants, that answers every error itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections: dict[str, tuple[click.Command, ...]] = {}

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add commands that are listed together."""
        self.sections[title] = commands
        for command in commands:
            self.add_command(command)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click gives it
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands under their sections."""
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
        """Run as a program does, and exit."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # it may have no arrows, or be closed
            sys.stdout.reconfigure(errors="backslashreplace")
        given = sys.argv[1:] if args is None else list(args)
        extra = {"complete_var": COMPLETE, **extra, "standalone_mode": False}
        try:
            code = super().main(given, prog_name, **extra)
        except Exception as error:
            asked = COMPLETE in os.environ  # by a shell, while somebody types
            code = FAILED if asked else answer(error, as_json=wants_json(given))
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
    """Show lifecycles as tables and diagrams, what journals know of their runs, and act on them.

    A TARGET is a Run class, written package.module:Class; modules in the current directory are
    found. A journal is a file or a URL such as sqlite:///runs.db, given with --journal or in
    FSM_JOURNAL.
    """
