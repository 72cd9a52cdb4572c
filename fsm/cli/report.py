"""report: the runs of a journal as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from .journal import existing
from .target import load

__all__ = ["report"]


@click.command(epilog="\b\nExamples:\n  fsm report runs.db -o report.html")
@click.argument("url", metavar="JOURNAL", envvar="FSM_JOURNAL")
@click.option("-o", "--output", metavar="FILE", default="-", help="Default: the terminal.")
@click.option(
    "--as",
    "targets",
    metavar="TARGET",
    multiple=True,
    default=["fsm:TaskRun"],
    help="Whose lifecycle is drawn; may be given several times.",
)
@click.option(
    "--histories",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="How many runs come with their steps: the last begun.",
)
def report(url: str, output: str, targets: tuple[str, ...], histories: int) -> None:
    """Write the runs of JOURNAL as one HTML file that needs nothing else.

    It holds what the runs carry; mail it to whom that may be shown.
    """
    from fsm import page

    with existing(url) as journal:
        text = page.report(journal, *map(load, targets), histories=histories)
    if output == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"cannot write {output!r}: {reason}") from error
