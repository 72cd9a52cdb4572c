"""`fsm verify`: check a journal for impossible or damaged histories."""

from __future__ import annotations

import click

from fsm.cli.errors import FAILED
from fsm.cli.options import open_existing
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import journals
from fsm.text import escape

__all__ = ["verify"]


@click.command(
    help="""Check each run and step of JOURNAL, and its database rules.

    JOURNAL is a file or a URL; default: FSM_JOURNAL. Prints what is wrong and then exits with 1;
    repairs nothing. In JSON each problem has run, seq and message.
    """,
    epilog="\b\nExamples:\n  fsm verify runs.db\n  fsm verify sqlite:///runs.db --json",
)
@click.argument("journal", envvar="FSM_JOURNAL", shell_complete=journals)
@json_option("runs", "problems")
def verify(journal: str, as_json: bool) -> None:
    from fsm.operations import verify as find_problems

    with open_existing(journal) as opened:
        problems = list(find_problems(opened))
        count = sum(1 for _ in opened.runs())
    if as_json:
        put_json(
            {
                "runs": count,
                "problems": [
                    {"run": each.run, "seq": each.seq, "message": each.message} for each in problems
                ],
            }
        )
    else:
        for problem in problems:
            click.echo(escape(problem))
        found = (
            f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems"
        )
        click.echo(f"{count} run{'s' * (count != 1)}: {found}")
    if problems:
        click.get_current_context().exit(FAILED)
