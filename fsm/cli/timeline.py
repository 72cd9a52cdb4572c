"""timeline: runs over time, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import click
from rich.console import Console

from fsm.diagrams import chart, gantt
from fsm.diagrams import timeline as timelines
from fsm.diagrams.bar import bars
from fsm.journal import Journal
from fsm.journal.record import Record
from states import moment

from .answer import json_option
from .choice import Choice
from .journal import existing, journal_option, unknown
from .output import output_option, put_text
from .screen import WIDE, as_json, console
from .suggestion import run_ids

__all__ = ["timeline"]

_FORMATS = ("text", "svg", "mermaid", "json")
_SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json"}

Histories = list[list[Record]]
Kinds = dict[str, str]


@click.command(
    epilog="\b\nExamples:\n  fsm timeline --journal runs.db\n"
    "  fsm timeline load-7 load-8 --journal runs.db --format mermaid\n"
    "  fsm timeline --journal runs.db -o runs.svg"
)
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=run_ids)
@journal_option()
@click.option(
    "--format",
    "form",
    type=Choice(_FORMATS),
    help="As FILE ends, or text, if left out.",
)
@json_option(
    "run", "class", "state", "spans", lead="a list of objects with", parameter="wants_json"
)
@output_option()
def timeline(
    runs: tuple[str, ...], url: str, form: str | None, wants_json: bool, output: str
) -> None:
    """Draw RUNs over time, or all runs of a journal.

    Many are grouped by name and kind. In JSON each span has state, began and ended. No class of
    theirs need be importable: a state that is unknown here is grey.
    """
    form = "json" if wants_json else form or _SUFFIXES.get(Path(output).suffix.lower(), "text")
    with existing(url) as journal:
        histories, kinds = _read(journal, runs)
    if form == "text" and output == "-":
        console().print(timelines.timeline(histories, kinds=kinds))
    else:
        put_text(output, _DRAWN[form](histories, kinds))


def _as_svg(histories: Histories, kinds: Kinds) -> str:
    return chart(histories, kinds=kinds)


def _as_mermaid(histories: Histories, kinds: Kinds) -> str:
    return gantt(histories, kinds=kinds)


def _as_text(histories: Histories, kinds: Kinds) -> str:
    file = StringIO()
    Console(file=file, width=WIDE).print(timelines.timeline(histories, kinds=kinds))
    return file.getvalue()


def _as_json(histories: Histories, kinds: Kinds) -> str:
    data = [
        {
            "run": bar.name,
            "class": bar.kind or None,
            "state": bar.last.name,
            "spans": [
                {"state": span.look.name, "began": _at(span.began), "ended": _at(span.ended)}
                for span in bar.spans
            ],
        }
        for bar in bars(histories, kinds=kinds)
    ]
    return as_json(data) + "\n"


_DRAWN = {"json": _as_json, "mermaid": _as_mermaid, "svg": _as_svg, "text": _as_text}


def _at(micros: int) -> str:
    return moment.format(moment.from_micros(micros))


def _read(journal: Journal, runs: Sequence[str]) -> tuple[Histories, Kinds]:
    """The histories of *runs*, or of all, and what each is a run of."""
    kinds = {}
    for summary in journal.runs():
        if not runs or summary.run in runs:
            kinds[summary.run] = summary.kind
    for run in runs:
        if run not in kinds:
            raise unknown(run, journal)
    return [list(journal.records(run)) for run in kinds], kinds
