"""`fsm story`: what happened to one run, in sentences. Its classes are not imported."""

from __future__ import annotations

import click

from fsm.cli.options import journal_option, open_for_run
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import run_ids
from fsm.text import escape

__all__ = ["story"]


@click.command(
    help="""Tell in sentences what happened to RUN and why, and what it waits for now.

    Times are in UTC.
    """,
    epilog="\b\nExamples:\n  fsm story load-7 --journal runs.db\n"
    "  fsm story load-7 --journal runs.db --json | jq -r .status[]",
)
@click.argument("run", shell_complete=run_ids)
@journal_option()
@json_option("run", "class", "state", "title", "policy", "lines", "status")
def story(run: str, url: str, as_json: bool) -> None:
    from fsm.explain import read_story

    with open_for_run(url, run) as journal:
        found = read_story(journal, run)
    if as_json:
        put_json(found.as_data())
    else:
        click.echo(escape(found, keep="\n"))
