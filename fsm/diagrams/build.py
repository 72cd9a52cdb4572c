"""Builds the graph of a lifecycle, of a run, or of the inheritance of states."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator

import attrs

from fsm.errors import InvalidArgument
from fsm.lifecycle.event import StateClass
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.run.run import Run
from fsm.states import State

from .clusters import TableEdge, bundle_edges, find_clusters
from .graph_model import TIMES, Cluster, GraphEdge, GraphNode, Label, StateGraph

__all__ = ["Target", "graph", "graph_of_run", "inheritance", "refusal_notes"]

Target = StateGraph | Lifecycle | Run | type[Run] | StateClass

_MOST = 3  # refused events that a state lists


def graph(target: Target) -> StateGraph:
    """Return what a diagram of *target* shows.

    Args:
        target: A Run class or its lifecycle; a run, for where it is and has been; a state class,
            for what inherits from it; or a graph, which is returned as it is.

    Raises:
        InvalidArgument: *target* is none of these.
    """
    if isinstance(target, StateGraph):
        return target
    if isinstance(target, Lifecycle):
        return _graph_of_lifecycle(target)
    if isinstance(target, Run):
        return graph_of_run(target)
    if isinstance(target, type) and issubclass(target, Run):
        return _graph_of_lifecycle(target.lifecycle)
    if isinstance(target, type) and issubclass(target, State):
        return inheritance(target)
    raise InvalidArgument(
        "a diagram is drawn of a Run class, a lifecycle, a run or a state class, "
        f"not of {target!r:.80}"
    )


def inheritance(root: StateClass = State) -> StateGraph:
    """Return the graph of a state class and all its subclasses, an edge from each to its children.

    Args:
        root: The class at the top; by default `State`, which shows every state class that has
            been imported.
    """
    classes = [root, *root.children()]
    nodes = {cls: _node(cls) for cls in classes}
    edges = (
        GraphEdge(nodes[parent], nodes[cls])
        for cls in classes[1:]
        for parent in cls.parents()[:1]
        if parent in nodes
    )
    return StateGraph(f"{root.__name__} and its kinds", tuple(nodes.values()), (), tuple(edges))


def graph_of_run(run: Run, refusals: Iterable[Refusal] | None = None) -> StateGraph:
    """Return what a diagram of *run* shows: its lifecycle, with its steps numbered.

    Args:
        run: The run.
        refusals: The refused attempts to note; by default, those that the run remembers itself.
    """
    history = run.history
    where = type(run.state if not history else history[-1].dest).__name__
    visits = Counter(type(step.dest).__name__ for step in history if step.dest is not step.source)
    visits[type(history[0].source).__name__ if history else where] += 1
    notes = refusal_notes(run.refusals if refusals is None else refusals)
    nodes = {
        name: attrs.evolve(
            node, current=name == where, visits=visits[name], notes=notes.get(name, ())
        )
        for name, node in _nodes(run.lifecycle).items()
    }
    whole = _graph_of_lifecycle(run.lifecycle, nodes)
    edges = (*_path_edges(history, nodes), *whole.edges)
    return attrs.evolve(whole, title=f"{whole.title} {run.id}", edges=edges)


def refusal_notes(refusals: Iterable[Refusal]) -> dict[str, tuple[str, ...]]:
    """Return, by the name of a state, notes on what was refused there."""
    counts: dict[str, Counter[str]] = {}
    for refusal in refusals:
        counts.setdefault(refusal.state, Counter())[refusal.event] += refusal.times
    return {state: tuple(_note_lines(events)) for state, events in counts.items()}


def _note_lines(events: Counter[str]) -> Iterator[str]:
    for event, count in events.most_common(_MOST):
        yield f"refused: {event}" + (f" ({count}{TIMES})" if count > 1 else "")
    if (more := len(events) - _MOST) > 0:
        yield f"and {more} other{'s' * (more > 1)}"


def _graph_of_lifecycle(
    lifecycle: Lifecycle, nodes: dict[str, GraphNode] | None = None
) -> StateGraph:
    nodes = nodes or _nodes(lifecycle)
    clusters = tuple(
        Cluster(found.name, tuple(nodes[member.__name__] for member in found.members))
        for found in find_clusters(lifecycle.nodes, _sources(lifecycle))
    )
    edges = bundle_edges(_table_edges(lifecycle), nodes.values(), clusters)
    return StateGraph(lifecycle.name, tuple(nodes.values()), clusters, edges)


def _path_edges(history: tuple[Step, ...], nodes: dict[str, GraphNode]) -> list[GraphEdge]:
    """The edges that the run took, each labelled with its steps."""
    taken: dict[tuple[str, str], dict[str, list[int]]] = {}
    for step in history:
        ends = type(step.source).__name__, type(step.dest).__name__
        taken.setdefault(ends, {}).setdefault(step.event, []).append(step.seq)
    return [
        GraphEdge(
            nodes[source],
            nodes[dest],
            tuple(Label(event, steps=tuple(steps)) for event, steps in events.items()),
        )
        for (source, dest), events in taken.items()
    ]


def _nodes(lifecycle: Lifecycle) -> dict[str, GraphNode]:
    return {
        cls.__name__: attrs.evolve(
            _node(cls), initial=cls is lifecycle.initial, final=cls in lifecycle.finals
        )
        for cls in lifecycle.nodes
    }


def _node(cls: StateClass) -> GraphNode:
    doc = (inspect.getdoc(cls) or "").partition("\n")[0] if "__doc__" in vars(cls) else ""
    return GraphNode(cls.__name__, color=str(cls.color), doc=doc)


def _table_edges(lifecycle: Lifecycle) -> list[TableEdge]:
    return [
        TableEdge(
            source=edge.source.__name__,
            event=edge.event,
            guards=edge.row.label,
            dest=edge.dest.__name__,
            stays=edge.row.dest is None,
        )
        for edge in lifecycle.edges
    ]


def _sources(lifecycle: Lifecycle) -> dict[object, list[StateClass]]:
    """The states that each kind of edge leads from: the same event, guards and destination."""
    sources: dict[object, list[StateClass]] = {}
    for edge in lifecycle.edges:
        key = edge.event, edge.row.label, edge.row.dest
        sources.setdefault(key, []).append(edge.source)
    return sources
