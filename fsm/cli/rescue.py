"""rescue: runs whose workers are lost, made startable again."""

from __future__ import annotations

import click

from .journal import existing, journal_option
from .screen import put_json, shown
from .target import load

__all__ = ["rescue"]


@click.command(
    epilog="\b\nExamples:\n  fsm rescue --journal runs.db\n"
    "  fsm rescue shop.orders:Order --journal postgresql://db/runs"
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@journal_option()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rescue(targets: tuple[str, ...], url: str, as_json: bool) -> None:
    """Rescue the runs whose claims have lapsed: to Retrying, or to Failed by their policy.

    TARGET names the classes they may be of: fsm:TaskRun if left out. Finished runs, and runs
    whose workers renew their claims, are left alone.
    """
    from fsm.rescuing import rescue as rescued_of

    classes = [load(target) for target in targets or ("fsm:TaskRun",)]
    with existing(url) as journal:
        rescued = list(rescued_of(journal, *classes))
    if as_json:
        put_json(
            [
                {"run": each.run, "owner": each.owner, "state": each.state, "left": each.left}
                for each in rescued
            ]
        )
        return
    for each in rescued:
        became = f"left alone: {each.left}" if each.left else f"now {each.state}"
        click.echo(shown(f"{each.run}, lost by {each.owner}: {became}"))
    count = sum(each.left is None for each in rescued)
    click.echo(f"{count} of {len(rescued)} lapsed runs rescued")
