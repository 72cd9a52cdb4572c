"""Graphs from the records of a journal alone, for runs whose classes are not known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fsm.diagrams.build import refusal_notes
from fsm.diagrams.graph_model import GraphEdge, GraphNode, Label, StateGraph
from fsm.journal import Record
from fsm.lifecycle.refusal import Refusal
from fsm.states import State

__all__ = ["graph_of_edges", "graph_of_steps"]

_MOST = 400  # pairs of states with an edge; a picture of more is unreadable

_Edges = Mapping[tuple[str, str], Mapping[str, Iterable[int]]]


def graph_of_steps(
    records: Iterable[Record], refusals: Iterable[Refusal] = ()
) -> StateGraph | None:
    """Draw the path of a run, with the events that were refused on the way.

    Runs with the same path and the same refusals have equal graphs.
    """
    edges: dict[tuple[str, str], dict[str, list[int]]] = {}
    visits: Counter[str] = Counter()
    last = ""
    for record in records:
        source, last = record.source, record.dest
        if not visits:
            visits[source] = 1
        visits[last] += source != last
        edges.setdefault((source, last), {}).setdefault(record.event, []).append(record.seq)
    return _graph(edges, visits, last, refusal_notes(refusals))


def graph_of_edges(edges: Iterable[tuple[str, str, str]]) -> StateGraph | None:
    """Draw the edges that a journal records for a class: source, event and dest."""
    by_ends: dict[tuple[str, str], dict[str, list[int]]] = {}
    for source, event, dest in sorted(edges):
        by_ends.setdefault((source, dest), {})[event] = []
    return _graph(by_ends, Counter(), "", {})


def _graph(
    edges: _Edges, visits: Counter[str], current: str, notes: Mapping[str, tuple[str, ...]]
) -> StateGraph | None:
    if not 0 < len(edges) <= _MOST:
        return None
    colors = {state.__name__: str(state.color) for state in State.children()}
    nodes = {
        name: GraphNode(
            name,
            colors.get(name, "#696969"),
            current=name == current,
            visits=visits[name],
            notes=notes.get(name, ()),
        )
        for name in dict.fromkeys(end for ends in edges for end in ends)
    }
    arrows = tuple(
        GraphEdge(
            nodes[source],
            nodes[dest],
            tuple(Label(event, steps=tuple(steps)) for event, steps in events.items()),
        )
        for (source, dest), events in edges.items()
    )
    return StateGraph("", tuple(nodes.values()), (), arrows)
