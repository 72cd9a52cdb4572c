"""`fsm timeline`: draw runs over time."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

import attrs
import click
from rich.console import Console

from fsm.cli.options import Choice, journal_option, open_existing, unknown_run
from fsm.cli.output import form_of, output_option, put_text
from fsm.cli.printing import WIDE, as_json, console, json_option
from fsm.cli.suggestions import run_ids
from fsm.diagrams import chart, gantt
from fsm.diagrams.timeline import console as timelines
from fsm.diagrams.timeline.bars import bars
from fsm.journal import Journal
from fsm.journal.records import Record
from fsm.states import ambient, moment

__all__ = ["timeline"]

_FORMATS = ("text", "svg", "mermaid", "json")
_SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json"}


@attrs.frozen
class _Runs:
    """The runs that are drawn."""

    histories: list[list[Record]]
    kinds: dict[str, str]  # the class of each run
    until: int | None  # now, if one of them has not ended


@click.command(
    help="""Draw RUNs over time, or all runs of a journal.

    Many runs are grouped by name and class. In JSON each span has state, attempt, began and ended.
    Classes are not imported; a state that is unknown here is grey.
    """,
    epilog="\b\nExamples:\n  fsm timeline --journal runs.db\n"
    "  fsm timeline load-7 load-8 --journal runs.db --format mermaid\n"
    "  fsm timeline --journal runs.db -o runs.svg",
)
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=run_ids)
@journal_option()
@click.option(
    "--format",
    "form",
    type=Choice(_FORMATS),
    help="Default: by the ending of FILE, or else text.",
)
@json_option(
    "run", "class", "state", "spans", lead="a list of objects with", parameter="wants_json"
)
@output_option()
def timeline(
    runs: tuple[str, ...], url: str, form: str | None, wants_json: bool, output: str
) -> None:
    form = "json" if wants_json else form or form_of(output, _SUFFIXES, "text")
    with open_existing(url) as journal:
        found = _read(journal, runs)
    if form == "text" and output == "-":
        console().print(timelines.timeline(found.histories, until=found.until, kinds=found.kinds))
    else:
        put_text(output, _FORMATTERS[form](found))


def _as_svg(found: _Runs) -> str:
    return chart(found.histories, until=found.until, kinds=found.kinds)


def _as_mermaid(found: _Runs) -> str:
    return gantt(found.histories, until=found.until, kinds=found.kinds)


def _as_text(found: _Runs) -> str:
    file = StringIO()
    drawn = timelines.timeline(found.histories, until=found.until, kinds=found.kinds)
    Console(file=file, width=WIDE).print(drawn)
    return file.getvalue()


def _as_json(found: _Runs) -> str:
    data = [
        {
            "run": bar.name,
            "class": bar.kind or None,
            "state": bar.last.name,
            "spans": [
                {
                    "state": span.style.name,
                    "attempt": span.attempt,
                    "began": _at(span.began),
                    "ended": _at(span.ended),
                }
                for span in bar.spans
            ],
        }
        for bar in bars(found.histories, found.until, found.kinds)
    ]
    return as_json(data) + "\n"


_FORMATTERS = {"json": _as_json, "mermaid": _as_mermaid, "svg": _as_svg, "text": _as_text}


def _at(micros: int) -> str:
    return moment.format(moment.from_micros(micros))


def _read(journal: Journal, runs: Sequence[str]) -> _Runs:
    """Read the histories of *runs*, or of all runs if that is empty."""
    found = {each.run: each for each in journal.runs() if not runs or each.run in runs}
    for run in runs:
        if run not in found:
            raise unknown_run(run, journal)
    return _Runs(
        [list(journal.records(run)) for run in found],
        {run: each.kind for run, each in found.items()},
        None if all(each.over for each in found.values()) else ambient.micros(),
    )
