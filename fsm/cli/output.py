"""Output: where `-o` sends what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["output_option", "put_text"]

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option() -> Callable[[Command], Command]:
    """Return the option that says which file."""
    return click.option(
        "-o", "--output", metavar="FILE", default="-", help="Default: the terminal."
    )


def put_text(output: str, text: str) -> None:
    """Write *text* to the file, or to the terminal for `-`."""
    if output == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output!r}: {error.strerror}") from error
    except ValueError as error:  # a path with NUL
        raise click.ClickException(f"cannot write {output!r}: {error}") from error
