"""story: what happened to one run, told in sentences; its classes need not be imported."""

from __future__ import annotations

import click

from fsm.errors import UnknownRun

from .journal import existing, journal_option, unknown
from .screen import put_json, shown

__all__ = ["story"]


@click.command(
    epilog="\b\nExamples:\n  fsm story load-7 --journal runs.db\n"
    "  fsm story load-7 --journal runs.db --json | jq -r .stands[]"
)
@click.argument("run")
@journal_option()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def story(run: str, url: str, as_json: bool) -> None:
    """Tell what happened to RUN, when and why, and what it waits for now. Times are in UTC."""
    from fsm.story import read_story

    with existing(url) as journal:
        try:
            told = read_story(journal, run)
        except (UnknownRun, UnicodeEncodeError):  # no journal keeps an id that is no text
            raise unknown(run, journal) from None
    if as_json:
        put_json(told.as_data())
    else:
        click.echo(shown(told, keep="\n"))
