"""report: the runs of a journal as one HTML file."""

from __future__ import annotations

import click

from .journal import existing
from .output import output_option, put_text
from .suggestion import journals
from .suggestion import targets as targets_known
from .target import load

__all__ = ["report"]


@click.command(epilog="\b\nExamples:\n  fsm report runs.db -o report.html")
@click.argument("url", metavar="JOURNAL", envvar="FSM_JOURNAL", shell_complete=journals)
@output_option()
@click.option(
    "--as",
    "targets",
    metavar="TARGET",
    multiple=True,
    default=["fsm:TaskRun"],
    shell_complete=targets_known,
    help="Whose lifecycle is drawn; may be given several times; fsm:TaskRun if left out.",
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
    put_text(output, text)
