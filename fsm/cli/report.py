"""report: the runs of a journal as one HTML file."""

from __future__ import annotations

import click

from .journal import existing
from .output import output_option, put_text
from .suggestion import journals
from .target import lifecycles_option, load

__all__ = ["report"]


@click.command(epilog="\b\nExamples:\n  fsm report runs.db -o report.html")
@click.argument("url", metavar="JOURNAL", envvar="FSM_JOURNAL", shell_complete=journals)
@output_option()
@lifecycles_option("Whose lifecycle is drawn")
@click.option(
    "--histories",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="How many runs come with their steps: the last begun.",
)
def report(url: str, output: str, lifecycles: tuple[str, ...], histories: int) -> None:
    """Write the runs of JOURNAL as one HTML file that needs nothing else.

    It holds what the runs carry; mail it to whom that may be shown.
    """
    from fsm import page

    with existing(url) as journal:
        text = page.report(journal, *map(load, lifecycles), histories=histories)
    put_text(output, text)
