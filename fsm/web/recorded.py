"""Recorded: pictures from what a journal says alone, for runs whose classes are not known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fsm.diagrams.build import refusal_notes
from fsm.diagrams.graph_model import GraphEdge, GraphNode, Label, StateGraph
from fsm.journal import Record
from fsm.lifecycle.refusal import Refusal
from fsm.states import State

__all__ = ["table", "trail"]

_MOST = 400  # ways from state to state; of more no picture can be read

_Ways = Mapping[tuple[str, str], Mapping[str, Iterable[int]]]


def trail(records: Iterable[Record], refusals: Iterable[Refusal] = ()) -> StateGraph | None:
    """Where a run has been, how it went there, and what it was refused on the way.

    It is the same for all that went the same way and were refused the same.
    """
    ways: dict[tuple[str, str], dict[str, list[int]]] = {}
    visits: Counter[str] = Counter()
    last = ""
    for record in records:
        source, last = record.source, record.dest
        if not visits:
            visits[source] = 1
        visits[last] += source != last
        ways.setdefault((source, last), {}).setdefault(record.event, []).append(record.seq)
    return _graph(ways, visits, last, refusal_notes(refusals))


def table(edges: Iterable[tuple[str, str, str]]) -> StateGraph | None:
    """The edges that a journal has recorded of a class: source, event and dest."""
    ways: dict[tuple[str, str], dict[str, list[int]]] = {}
    for source, event, dest in sorted(edges):
        ways.setdefault((source, dest), {})[event] = []
    return _graph(ways, Counter(), "", {})


def _graph(
    ways: _Ways, visits: Counter[str], current: str, notes: Mapping[str, tuple[str, ...]]
) -> StateGraph | None:
    if not 0 < len(ways) <= _MOST:
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
        for name in dict.fromkeys(end for ends in ways for end in ends)
    }
    edges = tuple(
        GraphEdge(
            nodes[source],
            nodes[dest],
            tuple(Label(event, steps=tuple(steps)) for event, steps in events.items()),
        )
        for (source, dest), events in ways.items()
    )
    return StateGraph("", tuple(nodes.values()), (), edges)
