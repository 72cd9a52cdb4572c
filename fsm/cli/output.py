"""Output: where `-o` sends what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from .suggestions import files

__all__ = ["UnwritableOutput", "form_of", "output_option", "put_text"]

Command = TypeVar("Command", bound=Callable[..., Any])


# What people ask for, and not each command writes.
_OF_OTHERS = {
    ".dot", ".gif", ".htm", ".html", ".jpeg", ".jpg", ".mmd", ".pdf", ".png", ".ps", ".svg",
    ".webp",
}  # fmt: skip

_DATABASE = b"SQLite format 3\0"  # how the file of a journal begins


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


def form_of(output: str, suffixes: Mapping[str, str], usual: str) -> str:
    """The format that a file's name asks for; *usual* where it asks for none.

    Raises:
        UsageError: It asks for one that there is not: what would be in the file is not what its
            name says.
    """
    suffix = Path(output).suffix.lower()
    if suffix in suffixes:
        return suffixes[suffix]
    if suffix in _OF_OTHERS:
        known = " or ".join(suffixes)
        other = ", or say --format" if len(set(suffixes.values())) > 1 else ""
        raise click.UsageError(
            f"{suffix} is not what is written here; end the name in {known}{other}"
        )
    return usual


def put_text(output: str, text: str) -> None:
    """Write *text* to the file, or to the terminal for `-`; never over a journal.

    Raises:
        UnwritableOutput: The file cannot be written, or is a database; it is as it was.
    """
    if output == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    path = Path(output)
    try:
        if path.is_file() and _begins(path, _DATABASE):
            raise UnwritableOutput(
                f"cannot write {output!r}: it is a database, perhaps a journal; name another file"
            )
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnwritableOutput(f"cannot write {output!r}: {error.strerror}") from error
    except ValueError as error:  # a path with NUL
        raise UnwritableOutput(f"cannot write {output!r}: {error}") from error


def _begins(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except PermissionError:  # one may write there all the same
        return False
