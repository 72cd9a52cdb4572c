"""Clusters of related states, and the bundling of edges that they allow.

`find_clusters` parts the states of a lifecycle by the class tree. `bundle_edges` draws many edges
of the lifecycle as few edges of the graph, without loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized

import attrs

from fsm.lifecycle.event import StateClass
from fsm.states import State

from .graph_model import Cluster, End, GraphEdge, GraphNode, Label

__all__ = ["ClassCluster", "TableEdge", "bundle_edges", "find_clusters"]

Members = tuple[StateClass, ...]
Sources = Mapping[object, Collection[StateClass]]


@attrs.frozen
class ClassCluster:
    """State classes to be drawn in one box."""

    name: str
    members: tuple[StateClass, ...]


@attrs.frozen
class TableEdge:
    """One edge of a lifecycle, by name."""

    source: str
    event: str
    guards: str
    dest: str
    stays: bool = False


def find_clusters(nodes: Sequence[StateClass], sources: Sources) -> list[ClassCluster]:
    """Part *nodes* into clusters of at least two; some nodes belong to none.

    A cluster is a class and its subclasses. It stays whole where most of its members share their
    outgoing edges, as the waiting states do. Otherwise it is split into the subtrees below it and
    a cluster of the others.

    Args:
        nodes: The states of the lifecycle.
        sources: For each outgoing edge, under any key, the states it leads from.
    """
    found = _find_below(_common_base(nodes), tuple(nodes), sources)
    return [cluster for cluster in found if len(cluster.members) > 1]


def bundle_edges(
    edges: Iterable[TableEdge], nodes: Iterable[GraphNode], clusters: Iterable[Cluster]
) -> tuple[GraphEdge, ...]:
    """Draw *edges* as few edges: one from most of a cluster, and one for all with the same ends."""
    by_name = {node.name: node for node in nodes}
    homes = {node.name: cluster for cluster in clusters for node in cluster.nodes}
    bundled = _merge(_bundle_sources(edges, by_name, homes))
    return tuple(_merge(_lead_to_borders(bundled, homes)))


def _bundle_sources(
    edges: Iterable[TableEdge], nodes: Mapping[str, GraphNode], homes: Mapping[str, Cluster]
) -> Iterator[GraphEdge]:
    """Yield one edge from the border of a cluster where (nearly) all members have the same one."""
    alike: dict[tuple[Cluster | None, TableEdge], list[str]] = {}
    for edge in dict.fromkeys(edges):
        home = None if edge.stays else homes.get(edge.source)
        key = attrs.evolve(edge, source="" if home else edge.source)
        alike.setdefault((home, key), []).append(edge.source)
    for (home, edge), sources in alike.items():
        label = Label(edge.event, edge.guards, stays=edge.stays)
        if home and _covers_most(sources, home.nodes):
            missing = tuple(node.name for node in home.nodes if node.name not in sources)
            yield GraphEdge(home, nodes[edge.dest], (attrs.evolve(label, excluding=missing),))
        else:
            for source in dict.fromkeys(sources):
                yield GraphEdge(nodes[source], nodes[edge.dest], (label,))


def _lead_to_borders(
    edges: Iterable[GraphEdge], homes: Mapping[str, Cluster]
) -> Iterator[GraphEdge]:
    """Let edges between clusters end at their borders; the labels say which members are meant."""
    for edge in edges:
        source, dest = _container(edge.source, homes), _container(edge.dest, homes)
        if source == dest:
            yield edge
            continue
        labels = edge.labels
        if isinstance(source, Cluster) and isinstance(edge.source, GraphNode):
            labels = tuple(attrs.evolve(label, only=(edge.source.name,)) for label in labels)
        if isinstance(dest, Cluster) and isinstance(edge.dest, GraphNode):
            labels = tuple(attrs.evolve(label, dest=edge.dest.name) for label in labels)
        yield GraphEdge(source, dest, labels)


def _merge(edges: Iterable[GraphEdge]) -> list[GraphEdge]:
    """Merge the edges that have the same ends."""
    found: dict[tuple[End, End], list[Label]] = {}
    for edge in edges:
        found.setdefault((edge.source, edge.dest), []).extend(edge.labels)
    return [
        GraphEdge(source, dest, tuple(dict.fromkeys(labels)))
        for (source, dest), labels in found.items()
    ]


def _container(end: End, homes: Mapping[str, Cluster]) -> End:
    return homes.get(end.name, end) if isinstance(end, GraphNode) else end


def _covers_most(sources: Sized, members: Sized) -> bool:
    """Whether an edge from *sources* may be drawn as one from all *members* with exceptions."""
    missing = len(members) - len(sources)
    return len(sources) > 1 and missing <= max(1 if len(members) > 2 else 0, len(members) // 4)


def _common_base(nodes: Sequence[StateClass]) -> StateClass:
    """The nearest class that all *nodes* are below; as a cluster it would hold everything."""
    levels = zip(*map(_ancestry, nodes), strict=False)
    shared = (classes[0] for classes in levels if len(set(classes)) == 1)
    return next(reversed(list(shared)), State)


def _find_below(root: StateClass, members: Members, sources: Sources) -> Iterator[ClassCluster]:
    for child, branch in _branches(root, members).items():
        if child is not root:
            yield from _split(child, branch, sources)


def _split(root: StateClass, members: Members, sources: Sources) -> Iterator[ClassCluster]:
    """Yield one cluster, or where its members differ too much, several smaller ones."""
    branches = _branches(root, members).values()
    if sum(len(branch) > 1 for branch in branches) < 2 or _shares_exits(members, sources):
        yield ClassCluster(f"{_title(root)} family", members)
        return
    yield from _find_below(root, members, sources)
    yield ClassCluster(
        f"other {_title(root)}",
        tuple(node for branch in branches if len(branch) == 1 for node in branch),
    )


def _branches(root: StateClass, members: Members) -> dict[StateClass, Members]:
    """The members by the child of *root* they are below; *root* itself is a branch of its own."""
    found: dict[StateClass, Members] = {}
    for node in members:
        child = _ancestry(node)[len(_ancestry(root)) :][:1]
        top = child[0] if child else root
        found[top] = (*found.get(top, ()), node)
    return found


def _ancestry(node: StateClass) -> list[StateClass]:
    """The classes from the child of State down to *node*, by the first base each time."""
    line: list[StateClass] = []
    while node is not State:
        line.insert(0, node)
        node = next(base for base in node.__bases__ if issubclass(base, State))
    return line


def _shares_exits(members: Members, sources: Sources) -> bool:
    """Whether more outgoing edges leave most *members* than only a part of them."""
    balance = 0
    for found in sources.values():
        inside = [node for node in members if node in found]
        balance += (1 if _covers_most(inside, members) else -1) if inside else 0
    return balance > 0


def _title(root: StateClass) -> str:
    name = root.__name__.lstrip("_")
    return name.removesuffix("State") or name
