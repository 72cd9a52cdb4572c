"""diagram: a lifecycle, a run or the family of states, drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import click

from fsm import diagrams
from fsm.cli.options import Choice, existing, holding, journal_option
from fsm.cli.output import form_of, output_option, put_text
from fsm.cli.printing import as_json, json_option
from fsm.cli.suggestions import run_ids
from fsm.cli.targets import load, target_argument
from fsm.diagrams.build import graph_of_run
from fsm.errors import CorruptJournal, LifecycleError
from fsm.run.run import Run

__all__ = ["diagram"]

_FORMATS = ("mermaid", "dot", "svg", "json")
_SUFFIXES = {
    ".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot",
    ".json": "json",
}  # fmt: skip


@click.command(
    epilog="\b\nExamples:\n  fsm diagram shop.orders:Order -o order.svg\n"
    "  fsm diagram states --format dot | dot -Tpng > states.png\n"
    "  fsm diagram fsm:TaskRun --run load-7 --journal runs.db\n"
    "  fsm diagram fsm:TaskRun --heat --journal runs.db -o heat.svg"
)
@target_argument
@click.option(
    "--format",
    "form",
    type=Choice(_FORMATS),
    help="As FILE ends, or mermaid, if left out.",
)
@json_option("title", "states", "clusters", "edges", parameter="wants_json")
@output_option()
@click.option(
    "--run", metavar="ID", shell_complete=run_ids, help="Draw where this run is and has been."
)
@click.option("--heat", is_flag=True, help="Draw where the runs of a journal are.")
@journal_option(required=False)
def diagram(
    target: str,
    form: str | None,
    wants_json: bool,
    output: str,
    run: str | None,
    heat: bool,
    url: str | None,
) -> None:
    """Draw TARGET, a run of it, its many runs, or all `states`.

    Of a run, the state it is in is marked, and its steps are numbered. With --heat, each state says
    how many runs are there now and how long a stay lasted on average, and each arrow how often it
    was taken. `states` is the family tree of every state class there is.
    """
    if (run is not None or heat) and url is None:
        asked = "--run" if run is not None else "--heat"
        raise click.UsageError(f"{asked} needs --journal, where the runs are recorded")
    if run is not None and heat:
        raise click.UsageError("--run is of one run, --heat of all: choose")
    if run is None and not heat and _is_said("url"):
        raise click.UsageError("--journal is for --run ID or --heat: say which")
    form = "json" if wants_json else form or form_of(output, _SUFFIXES, "mermaid")
    put_text(output, _DRAWN[form](_drawn(target, run, url, heat=heat)))


def _as_json(drawn: Any) -> str:
    """The graph itself: its edges are folded as the others draw them."""
    graph = diagrams.graph(drawn)
    data = {
        "title": graph.title,
        "states": [attrs.asdict(node) for node in graph.nodes],
        "clusters": [
            {"name": cluster.name, "states": [node.name for node in cluster.nodes]}
            for cluster in graph.clusters
        ],
        "edges": [
            {
                "source": edge.source.name,
                "dest": edge.dest.name,
                "labels": [attrs.asdict(label) for label in edge.labels],
            }
            for edge in graph.edges
        ],
    }
    return as_json(data) + "\n"


_DRAWN: dict[str, Callable[[Any], str]] = {
    "mermaid": diagrams.mermaid,
    "dot": diagrams.dot,
    "svg": diagrams.svg,
    "json": _as_json,
}


def _is_said(name: str) -> bool:
    """Whether it is on the command line, not only in the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _drawn(target: str, run: str | None, url: str | None, *, heat: bool) -> Any:
    if target == "states":
        if run is not None or heat:
            raise click.UsageError("a Run class has runs: name one as TARGET, not states")
        return diagrams.inheritance()
    cls = load(target)
    if url is None or (run is None and not heat):
        return cls
    return _heated(cls, url) if run is None else _restored(cls, run, url)


def _heated(cls: type[Run], url: str) -> diagrams.StateGraph:
    with existing(url) as journal:
        traffic = journal.traffic(cls)
        if not traffic.runs:
            kinds = sorted({run.kind for run in journal.runs()} - {""})
            refusal = LifecycleError(f"{journal} has no runs of {cls.lifecycle.kind}")
            if kinds:
                known = ", ".join(kinds[:5])
                refusal.add_note(f"it has runs of {known}; name their class as TARGET")
            raise refusal
        return diagrams.heat(cls, traffic)


def _restored(cls: type[Run], run: str, url: str) -> diagrams.StateGraph:
    with holding(url, run) as journal:
        try:
            return graph_of_run(cls.restore(run, journal), journal.refusals(run))
        except CorruptJournal as error:
            error.add_note("a run of another class? then name that class as TARGET")
            raise
