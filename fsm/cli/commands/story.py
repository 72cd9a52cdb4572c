"""story: what happened to one run, told in sentences; its classes need not be imported."""

from __future__ import annotations

import click

from fsm.cli.options import holding, journal_option
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import run_ids
from fsm.text import escape

__all__ = ["story"]


@click.command(
    epilog="\b\nExamples:\n  fsm story load-7 --journal runs.db\n"
    "  fsm story load-7 --journal runs.db --json | jq -r .status[]"
)
@click.argument("run", shell_complete=run_ids)
@journal_option()
@json_option("run", "class", "state", "title", "policy", "lines", "status")
def story(run: str, url: str, as_json: bool) -> None:
    """Tell what happened to RUN, and what it waits for now.

    When and why, in sentences; times are in UTC.
    """
    from fsm.explain import read_story

    with holding(url, run) as journal:
        told = read_story(journal, run)
    if as_json:
        put_json(told.as_data())
    else:
        click.echo(escape(told, keep="\n"))
