"""`fsm rescue`: make runs startable again whose workers are lost."""

from __future__ import annotations

import click

from fsm.cli.options import journal_option, open_existing
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import targets as suggested_targets
from fsm.cli.targets import load
from fsm.text import escape

__all__ = ["rescue"]


@click.command(
    help="""Rescue runs whose workers are lost: their claims have expired.

    Each moves to Retrying, or to Failed if its policy allows no further attempt. TARGETs are the
    classes of runs that are rescued. Default: fsm:TaskRun. Finished runs, and runs whose workers
    renew their claims, stay as they are.
    """,
    epilog="\b\nExamples:\n  fsm rescue --journal runs.db\n"
    "  fsm rescue shop.orders:Order --journal postgresql://db/runs",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=suggested_targets)
@journal_option()
@json_option("run", "owner", "state", "skipped", lead="a list of objects with")
def rescue(targets: tuple[str, ...], url: str, as_json: bool) -> None:
    from fsm.operations import rescue as rescue_runs

    classes = [load(target) for target in targets or ("fsm:TaskRun",)]
    with open_existing(url) as journal:
        rescued = list(rescue_runs(journal, *classes))
    if as_json:
        put_json(
            [
                {"run": each.run, "owner": each.owner, "state": each.state, "skipped": each.skipped}
                for each in rescued
            ]
        )
        return
    for each in rescued:
        outcome = f"skipped: {each.skipped}" if each.skipped else f"now {each.state}"
        click.echo(escape(f"{each.run}, lost by {each.owner}: {outcome}"))
    count = sum(each.skipped is None for each in rescued)
    click.echo(f"{count} of {len(rescued)} lost runs rescued")
