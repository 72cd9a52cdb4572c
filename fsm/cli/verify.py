"""verify: whether what a journal holds can be."""

from __future__ import annotations

import click

from .journal import existing
from .program import FAILED
from .screen import put_json, shown

__all__ = ["verify"]


@click.command(epilog="\b\nExamples:\n  fsm verify runs.db\n  fsm verify sqlite:///runs.db --json")
@click.argument("journal", envvar="FSM_JOURNAL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(journal: str, as_json: bool) -> None:
    """Check JOURNAL, a file or URL: every run, every step, and the rules of the database.

    Exits with 1 and says what it found if anything is wrong. Nothing is mended.
    """
    from fsm.verification import verify as problems_of

    with existing(journal) as opened:
        problems = list(problems_of(opened))
        count = sum(1 for _ in opened.runs())
    if as_json:
        put_json(
            {
                "runs": count,
                "problems": [
                    {"run": each.run, "seq": each.seq, "what": each.what} for each in problems
                ],
            }
        )
    else:
        for problem in problems:
            click.echo(shown(problem))
        found = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "all well"
        click.echo(f"{count} run{'s' * (count != 1)}: {found}")
    if problems:
        click.get_current_context().exit(FAILED)
