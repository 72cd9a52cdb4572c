"""diagram: a lifecycle, a run or the family of states, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fsm import diagrams
from fsm.errors import CorruptJournal, UnknownRun
from fsm.run import Run

from .journal import existing, journal_option, unknown
from .output import output_option, put_text
from .target import load, target_argument

__all__ = ["diagram"]

_FORMATS = ("mermaid", "dot", "svg")
_SUFFIXES = {".dot": "dot", ".gv": "dot", ".svg": "svg"}


@click.command(
    epilog="\b\nExamples:\n  fsm diagram shop.orders:Order -o order.svg\n"
    "  fsm diagram states --format dot | dot -Tpng > states.png\n"
    "  fsm diagram fsm:TaskRun --run load-7 --journal runs.db"
)
@target_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Default: as FILE ends, or mermaid.",
)
@output_option()
@click.option("--run", metavar="ID", help="Draw where this run is and has been.")
@journal_option(required=False)
def diagram(target: str, form: str | None, output: str, run: str | None, url: str | None) -> None:
    """Draw TARGET, a run of it, or all `states`.

    The state the run is in is marked, and its steps are numbered. `states` is the family tree of
    every state class there is.
    """
    if run is not None and url is None:
        raise click.UsageError("--run needs --journal, where the run is recorded")
    drawn = _drawn(target, run, url)
    form = form or _SUFFIXES.get(Path(output).suffix.lower(), "mermaid")
    text = {"mermaid": diagrams.mermaid, "dot": diagrams.dot, "svg": diagrams.svg}[form](drawn)
    put_text(output, text)


def _drawn(target: str, run: str | None, url: str | None) -> Any:
    if target == "states":
        if run is not None:
            raise click.UsageError("--run needs a Run class as TARGET, not states")
        return diagrams.inheritance()
    cls = load(target)
    if run is None or url is None:
        return cls
    return _restored(cls, run, url)


def _restored(cls: type[Run], run: str, url: str) -> Run:
    with existing(url) as journal:
        try:
            return cls.restore(run, journal)
        except (UnknownRun, UnicodeEncodeError):  # no journal keeps an id that is no text
            raise unknown(run, journal) from None
        except CorruptJournal as error:
            error.add_note("a run of another class? then name that class as TARGET")
            raise
