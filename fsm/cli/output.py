"""Output: where `-o` sends what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .suggestion import files

__all__ = ["UnwritableOutput", "output_option", "put_text"]

Command = TypeVar("Command", bound=Callable[..., Any])


class UnwritableOutput(click.ClickException):
    """The file cannot be written."""


def output_option() -> Callable[[Command], Command]:
    """Return the option that says which file."""
    return click.option(
        "-o",
        "--output",
        metavar="FILE",
        default="-",
        shell_complete=files,
        help="Where to write it; to stdout if left out.",
    )


def put_text(output: str, text: str) -> None:
    """Write *text* to the file, or to the terminal for `-`."""
    if output == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnwritableOutput(f"cannot write {output!r}: {error.strerror}") from error
    except ValueError as error:  # a path with NUL
        raise UnwritableOutput(f"cannot write {output!r}: {error}") from error
