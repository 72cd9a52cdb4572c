"""rescue: runs whose workers are lost, made startable again."""

from __future__ import annotations

import click

from fsm.cli.options import existing, journal_option
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import targets as suggested_targets
from fsm.cli.targets import load
from fsm.text import escape

__all__ = ["rescue"]


@click.command(
    epilog="\b\nExamples:\n  fsm rescue --journal runs.db\n"
    "  fsm rescue shop.orders:Order --journal postgresql://db/runs"
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=suggested_targets)
@journal_option()
@json_option("run", "owner", "state", "skipped", lead="a list of objects with")
def rescue(targets: tuple[str, ...], url: str, as_json: bool) -> None:
    """Rescue the runs whose workers are lost.

    Their claims have lapsed; they go to Retrying, or to Failed as their policy says. TARGET names
    the classes they may be of: fsm:TaskRun if left out. Finished runs, and runs whose workers
    renew their claims, are left alone.
    """
    from fsm.operations import rescue as rescue_runs

    classes = [load(target) for target in targets or ("fsm:TaskRun",)]
    with existing(url) as journal:
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
        became = f"skipped: {each.skipped}" if each.skipped else f"now {each.state}"
        click.echo(escape(f"{each.run}, lost by {each.owner}: {became}"))
    count = sum(each.skipped is None for each in rescued)
    click.echo(f"{count} of {len(rescued)} lapsed runs rescued")
