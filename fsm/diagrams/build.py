"""Drawing: from what the user points at to the graph of it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable

import attrs

from fsm.errors import InvalidArgument
from fsm.lifecycle.event import StateClass
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.run.run import Run
from fsm.states import State

from .clusters import families
from .fold import Arrow, fold
from .graph_model import Cluster, Edge, Graph, Label, Node
from .refused import refused

__all__ = ["Target", "graph", "inheritance", "of_run"]

Target = Graph | Lifecycle | Run | type[Run] | StateClass


def graph(target: Target) -> Graph:
    """Return what a diagram of *target* shows.

    Args:
        target: A Run class or its lifecycle; a run, for where it is and has been; a state class,
            for what inherits from it; or a graph, which is returned.

    Raises:
        InvalidArgument: It is none of these.
    """
    if isinstance(target, Graph):
        return target
    if isinstance(target, Lifecycle):
        return _of_lifecycle(target)
    if isinstance(target, Run):
        return of_run(target)
    if isinstance(target, type) and issubclass(target, Run):
        return _of_lifecycle(target.lifecycle)
    if isinstance(target, type) and issubclass(target, State):
        return inheritance(target)
    raise InvalidArgument(
        "a diagram is drawn of a Run class, a lifecycle, a run or a state class, "
        f"not of {target!r:.80}"
    )


def inheritance(root: StateClass = State) -> Graph:
    """Return which state is a kind of which: *root* and everything below it."""
    classes = [root, *root.children()]
    nodes = {cls: _node(cls) for cls in classes}
    edges = (
        Edge(nodes[parent], nodes[cls])
        for cls in classes[1:]
        for parent in cls.parents()[:1]
        if parent in nodes
    )
    return Graph(f"{root.__name__} and its kinds", tuple(nodes.values()), (), tuple(edges))


def _of_lifecycle(lifecycle: Lifecycle, marked: dict[str, Node] | None = None) -> Graph:
    nodes = marked or _nodes(lifecycle)
    found = families(lifecycle.nodes, _sources(lifecycle))
    clusters = tuple(
        Cluster(family.name, tuple(nodes[member.__name__] for member in family.members))
        for family in found
    )
    edges = fold(_arrows(lifecycle), nodes.values(), clusters)
    return Graph(lifecycle.name, tuple(nodes.values()), clusters, edges)


def of_run(run: Run, refusals: Iterable[Refusal] | None = None) -> Graph:
    """Return what a diagram of *run* shows.

    Args:
        refusals: What it was refused; what it remembers, if left out.
    """
    history = run.history
    where = type(run.state if not history else history[-1].dest).__name__
    visits = Counter(type(step.dest).__name__ for step in history if step.dest is not step.source)
    visits[type(history[0].source).__name__ if history else where] += 1
    notes = refused(run.refusals if refusals is None else refusals)
    nodes = {
        name: attrs.evolve(
            node, current=name == where, visits=visits[name], notes=notes.get(name, ())
        )
        for name, node in _nodes(run.lifecycle).items()
    }
    whole = _of_lifecycle(run.lifecycle, nodes)
    edges = (*_path(history, nodes), *whole.edges)
    return attrs.evolve(whole, title=f"{whole.title} {run.id}", edges=edges)


def _path(history: tuple[Step, ...], nodes: dict[str, Node]) -> list[Edge]:
    """The edges the run went along, each with the steps that did."""
    taken: dict[tuple[str, str], dict[str, list[int]]] = {}
    for step in history:
        ends = type(step.source).__name__, type(step.dest).__name__
        taken.setdefault(ends, {}).setdefault(step.event, []).append(step.seq)
    return [
        Edge(
            nodes[source],
            nodes[dest],
            tuple(Label(event, steps=tuple(steps)) for event, steps in events.items()),
        )
        for (source, dest), events in taken.items()
    ]


def _nodes(lifecycle: Lifecycle) -> dict[str, Node]:
    return {
        cls.__name__: attrs.evolve(
            _node(cls), initial=cls is lifecycle.initial, final=cls in lifecycle.finals
        )
        for cls in lifecycle.nodes
    }


def _node(cls: StateClass) -> Node:
    doc = (inspect.getdoc(cls) or "").partition("\n")[0] if "__doc__" in vars(cls) else ""
    return Node(cls.__name__, color=str(cls.color), doc=doc)


def _arrows(lifecycle: Lifecycle) -> list[Arrow]:
    return [
        Arrow(
            source=edge.source.__name__,
            event=edge.event,
            guards=edge.row.label,
            dest=edge.dest.__name__,
            stays=edge.row.dest is None,
        )
        for edge in lifecycle.edges
    ]


def _sources(lifecycle: Lifecycle) -> dict[object, list[StateClass]]:
    sources: dict[object, list[StateClass]] = {}
    for edge in lifecycle.edges:
        way = edge.event, edge.row.label, edge.row.dest
        sources.setdefault(way, []).append(edge.source)
    return sources
