"""Graph: what a diagram shows, as data, before anyone draws it.

The law of folding: what the edges unfold to is what the table says, no edge more and none less.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

__all__ = ["Cluster", "Edge", "End", "Graph", "Label", "Node"]


@attrs.frozen
class Node:
    """One state of the diagram."""

    name: str
    color: str = "#696969"
    doc: str = ""  # the first line of its docstring
    initial: bool = False
    final: bool = False
    current: bool = False
    visits: int = 0  # how often the run was here, its beginning included

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The node alone; a cluster answers with its members."""
        return (self,)


@attrs.frozen
class Cluster:
    """A family of states, drawn as one box."""

    name: str
    nodes: tuple[Node, ...]


End = Node | Cluster


@attrs.frozen
class Label:
    """One event on an edge."""

    event: str
    guards: str = ""  # as in `Transition.label`
    dest: str | None = None  # which member it leads to, where the edge ends at a cluster
    only: tuple[str, ...] = ()  # which members it leads from, where the edge leaves a cluster
    excluding: tuple[str, ...] = ()  # which it does not lead from
    stays: bool = False  # the run does not leave its state
    steps: tuple[int, ...] = ()  # which steps of the run took it

    @property
    def text(self) -> str:
        """The label as it reads: `3, 7: retry [attempts left] (not Paused) → Retrying`."""
        steps = ", ".join(map(str, self.steps))
        count = f" ({len(self.steps)}×)" if len(self.steps) > 1 else ""
        parts = [
            f"{steps}: {self.event}{count}" if steps else self.event,
            self.guards,
            f"(only {', '.join(self.only)})" if self.only else "",
            f"(not {', '.join(self.excluding)})" if self.excluding else "",
            "(stays)" if self.stays else "",
            f"→ {self.dest}" if self.dest else "",
        ]
        return " ".join(filter(None, parts))


@attrs.frozen
class Edge:
    """An arrow: from a node, or each node of a cluster, to a node, or a node of a cluster."""

    source: End
    dest: End
    labels: tuple[Label, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether the run went along here."""
        return any(label.steps for label in self.labels)

    @property
    def inner(self) -> bool:
        """Whether it leads from a cluster to one of its own members."""
        return isinstance(self.source, Cluster) and self.dest in self.source.nodes

    def unfold(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (source, event, guards, dest) for each arrow of the table this one stands for."""
        for label in self.labels:
            for node in self.source.nodes:
                if node.name in (label.only or {node.name}) and node.name not in label.excluding:
                    yield node.name, label.event, label.guards, label.dest or _only(self.dest)


@attrs.frozen
class Graph:
    """What a diagram shows."""

    title: str
    nodes: tuple[Node, ...]
    clusters: tuple[Cluster, ...]
    edges: tuple[Edge, ...]

    @property
    def traced(self) -> bool:
        """Whether it shows one run."""
        return any(node.current for node in self.nodes)

    @property
    def loose(self) -> tuple[Node, ...]:
        """The nodes that are in no cluster."""
        inside = {node.name for cluster in self.clusters for node in cluster.nodes}
        return tuple(node for node in self.nodes if node.name not in inside)

    def unfold(self) -> set[tuple[str, str, str, str]]:
        """Return (source, event, guards, dest) of every arrow of the table."""
        return {arrow for edge in self.edges for arrow in edge.unfold()}


def _only(end: End) -> str:
    (node,) = end.nodes
    return node.name
