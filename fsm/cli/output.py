"""The option `-o`: which file a picture or a report is written to, and in which format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from .suggestions import files

__all__ = ["UnwritableOutput", "form_of", "output_option", "put_text"]

Command = TypeVar("Command", bound=Callable[..., Any])

# Formats that some command or another program writes: a name with such an ending is a mistake where
# this command does not write that format.
_OF_OTHERS = {
    ".dot", ".gif", ".htm", ".html", ".jpeg", ".jpg", ".mmd", ".pdf", ".png", ".ps", ".svg",
    ".webp",
}  # fmt: skip

_DATABASE = b"SQLite format 3\0"  # the first bytes of a journal's file


class UnwritableOutput(click.ClickException):
    """The file cannot be written."""


def output_option() -> Callable[[Command], Command]:
    """Return the option that names the file."""
    return click.option(
        "-o",
        "--output",
        metavar="FILE",
        default="-",
        shell_complete=files,
        help="The file to write. Default: stdout.",
    )


def form_of(output: str, suffixes: Mapping[str, str], usual: str) -> str:
    """Return the format for a file by the ending of its name; *usual* if that says none.

    Raises:
        UsageError: The ending is that of a format which the command does not write.
    """
    suffix = Path(output).suffix.lower()
    if suffix in suffixes:
        return suffixes[suffix]
    if suffix in _OF_OTHERS:
        known = " or ".join(suffixes)
        other = ", or use --format" if len(set(suffixes.values())) > 1 else ""
        raise click.UsageError(f"cannot write {suffix} here; end the name in {known}{other}")
    return usual


def put_text(output: str, text: str) -> None:
    """Write *text* to the file *output*, or to stdout for `-`.

    Raises:
        UnwritableOutput: The file cannot be written, or is a database, perhaps a journal. It is
            unchanged.
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
    except PermissionError:  # it may be writable all the same
        return False
