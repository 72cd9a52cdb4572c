"""`fsm report`: the runs of a journal as one HTML file."""

from __future__ import annotations

import click

from fsm.cli.options import open_existing
from fsm.cli.output import form_of, output_option, put_text
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import journals
from fsm.cli.targets import lifecycles_option, load

__all__ = ["report"]

_SUFFIXES = {".html": "html", ".htm": "html"}


@click.command(
    help="""Write the runs of JOURNAL as one self-contained HTML file.

    It contains the payloads of the runs: send it only to people who may see them.
    """,
    epilog="\b\nExamples:\n  fsm report runs.db -o report.html\n"
    "  fsm report runs.db -o last.html --histories 100 --json",
)
@click.argument("url", metavar="JOURNAL", envvar="FSM_JOURNAL", shell_complete=journals)
@output_option()
@lifecycles_option("The class whose lifecycle is drawn")
@click.option(
    "--histories",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="How many runs are included with their steps: the last ones that began.",
)
@json_option("file", "runs", "histories", lead="about the file, an object with")
def report(
    url: str, output: str, lifecycles: tuple[str, ...], histories: int, as_json: bool
) -> None:
    from fsm import web

    if as_json and output == "-":
        raise click.UsageError("--json needs -o FILE: stdout can carry only one of the two")
    form_of(output, _SUFFIXES, "html")
    with open_existing(url) as journal:
        text = web.report(journal, *map(load, lifecycles), histories=histories)
        runs = sum(1 for _ in journal.runs()) if as_json else 0
    put_text(output, text)
    if as_json:
        put_json({"file": output, "runs": runs, "histories": min(runs, histories)})
