"""`fsm diagram`: draw a lifecycle, a run, the traffic of many runs, or the state classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import click

from fsm import diagrams
from fsm.cli.options import Choice, journal_option, open_existing, open_for_run
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
    help="""Draw the lifecycle TARGET, a run of it, the traffic of its runs, or all `states`.

    With --run, the current state is marked and the steps are numbered. With --heat, each state
    shows how many runs are in it now and how long they stay on average, and each arrow how often
    it was taken. `states` is the inheritance tree of all state classes.
    """,
    epilog="\b\nExamples:\n  fsm diagram shop.orders:Order -o order.svg\n"
    "  fsm diagram states --format dot | dot -Tpng > states.png\n"
    "  fsm diagram fsm:TaskRun --run load-7 --journal runs.db\n"
    "  fsm diagram fsm:TaskRun --heat --journal runs.db -o heat.svg",
)
@target_argument
@click.option(
    "--format",
    "form",
    type=Choice(_FORMATS),
    help="Default: by the ending of FILE, or else mermaid.",
)
@json_option("title", "states", "clusters", "edges", parameter="wants_json")
@output_option()
@click.option("--run", metavar="ID", shell_complete=run_ids, help="Draw the path of this run.")
@click.option("--heat", is_flag=True, help="Draw how many runs of a journal are where.")
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
    if (run is not None or heat) and url is None:
        asked = "--run" if run is not None else "--heat"
        raise click.UsageError(f"{asked} needs --journal, which records the runs")
    if run is not None and heat:
        raise click.UsageError("--run draws one run, --heat all of them; give one of the two")
    if run is None and not heat and _is_on_line("url"):
        raise click.UsageError("--journal needs --run ID or --heat")
    form = "json" if wants_json else form or form_of(output, _SUFFIXES, "mermaid")
    put_text(output, _FORMATTERS[form](_subject(target, run, url, heat=heat)))


def _as_json(subject: Any) -> str:
    """Format the graph as JSON, with edges combined as in the pictures."""
    graph = diagrams.graph(subject)
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


_FORMATTERS: dict[str, Callable[[Any], str]] = {
    "mermaid": diagrams.mermaid,
    "dot": diagrams.dot,
    "svg": diagrams.svg,
    "json": _as_json,
}


def _is_on_line(name: str) -> bool:
    """Whether an option is on the command line, not only in the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _subject(target: str, run: str | None, url: str | None, *, heat: bool) -> Any:
    """Return what is to be drawn: a class, or a graph."""
    if target == "states":
        if run is not None or heat:
            raise click.UsageError("states has no runs; give a Run class as TARGET")
        return diagrams.inheritance()
    cls = load(target)
    if url is None or (run is None and not heat):
        return cls
    return _draw_traffic(cls, url) if run is None else _draw_run(cls, run, url)


def _draw_traffic(cls: type[Run], url: str) -> diagrams.StateGraph:
    with open_existing(url) as journal:
        traffic = journal.traffic(cls)
        if not traffic.runs:
            kinds = sorted({run.kind for run in journal.runs()} - {""})
            problem = LifecycleError(f"{journal} has no runs of {cls.lifecycle.kind}")
            if kinds:
                known = ", ".join(kinds[:5])
                problem.add_note(f"it has runs of {known}; give their class as TARGET")
            raise problem
        return diagrams.heat(cls, traffic)


def _draw_run(cls: type[Run], run: str, url: str) -> diagrams.StateGraph:
    with open_for_run(url, run) as journal:
        try:
            return graph_of_run(cls.restore(run, journal), journal.refusals(run))
        except CorruptJournal as error:
            error.add_note("if it is a run of another class, give that class as TARGET")
            raise
