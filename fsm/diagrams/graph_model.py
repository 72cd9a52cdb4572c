"""Graph: what a diagram shows, as data, before anyone draws it.

The law of folding: what the edges unfold to is what the table says, no edge more and none less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from fsm.lifecycle.display import Pictured

__all__ = ["TIMES", "Cluster", "Edge", "End", "Graph", "Label", "Node"]

_MANY = 4  # steps on one edge; of more only the first two and the last are told
TIMES = "\N{MULTIPLICATION SIGN}"


@attrs.frozen
class Node:
    """One state of the diagram."""

    name: str
    color: str = "#696969"
    doc: str = ""  # the first line of its docstring
    initial: bool = False
    final: bool = False
    current: bool = False
    visits: int = 0  # how often the run was here, its beginning included; or how often many were
    notes: tuple[str, ...] = ()  # what is said below its name
    hint: str = ""  # more of that, for who asks
    heat: float | None = None  # how many of many runs are here now: from 0, none, to 1, the most

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
    times: int = 0  # how many steps of many runs took it

    @property
    def whence(self) -> str:
        """Which members of the source cluster, where not all: `only Looped`, `not Paused`."""
        if self.only:
            return f"only {', '.join(self.only)}"
        return f"not {', '.join(self.excluding)}" if self.excluding else ""

    @property
    def text(self) -> str:
        """The label as it reads: `3, 7: retry [attempts left] (not Paused) → Retrying`."""
        steps = ", ".join(map(str, self.steps))
        if len(self.steps) > _MANY:
            steps = f"{self.steps[0]}, {self.steps[1]} … {self.steps[-1]}"
        times = self.times or (len(self.steps) if len(self.steps) > 1 else 0)
        count = f" ({times:,}{TIMES})" if times else ""
        parts = [
            f"{steps}: {self.event}{count}" if steps else f"{self.event}{count}",
            "" if self.times else self.guards,
            f"({self.whence})" if self.whence else "",
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
    def lines(self) -> tuple[str, ...]:
        """The labels as they read; what all of them say of their sources is said once, above.

        Where many runs went this way, only what took them there.
        """
        told = [label for label in self.labels if label.times] or self.labels
        said = {(label.only, label.excluding) for label in told}
        if len(told) < 2 or len(said) > 1 or said == {((), ())}:
            return tuple(label.text for label in told)
        bare = [attrs.evolve(label, only=(), excluding=()) for label in told]
        return (f"{told[0].whence}:", *(label.text for label in bare))

    @property
    def taken(self) -> bool:
        """Whether the run went along here, or many did."""
        return any(label.steps or label.times for label in self.labels)

    @property
    def times(self) -> int:
        """How many steps of many runs went along here."""
        return sum(label.times for label in self.labels)

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
class Graph(Pictured):
    """What a diagram shows."""

    title: str
    nodes: tuple[Node, ...]
    clusters: tuple[Cluster, ...]
    edges: tuple[Edge, ...]

    def __repr__(self) -> str:
        return f"<graph {self.title!r:.80}: {len(self.nodes)} states, {len(self.edges)} edges>"

    @property
    def traced(self) -> bool:
        """Whether it shows one run."""
        return any(node.current for node in self.nodes)

    @property
    def lit(self) -> bool:
        """Whether it shows what was done, by one run or by many: the rest is dim."""
        return self.traced or any(node.heat is not None for node in self.nodes)

    @property
    def loose(self) -> tuple[Node, ...]:
        """The nodes that are in no cluster."""
        inside = {node.name for cluster in self.clusters for node in cluster.nodes}
        return tuple(node for node in self.nodes if node.name not in inside)

    def path(self) -> Graph:
        """Only where the run has been, and how it went there."""
        nodes = tuple(node for node in self.nodes if node.visits)
        return attrs.evolve(
            self, nodes=nodes, clusters=(), edges=tuple(edge for edge in self.edges if edge.taken)
        )

    def home(self, node: Node) -> End:
        """The cluster the node is in, or the node itself."""
        return next((cluster for cluster in self.clusters if node in cluster.nodes), node)

    def boxed(self, edge: Edge) -> Cluster | None:
        """The cluster that *edge* lies wholly within, if it does."""
        ends = {*edge.source.nodes, *edge.dest.nodes}
        return next((cluster for cluster in self.clusters if ends <= set(cluster.nodes)), None)

    def order(self) -> dict[End, int]:
        """Number the ends as a run meets them, so that most edges lead forward.

        The reverse of the order in which a walk along the edges, depth first, is done with them.
        """
        onward: dict[End, list[End]] = {}
        for edge in self.edges:
            onward.setdefault(edge.source, []).append(edge.dest)
        first = [node for node in self.nodes if node.initial]
        starts = [end for node in (*first, *self.nodes) for end in (self.home(node), node)]
        done: dict[End, None] = {}
        for start in starts:
            _walk(start, onward, done)
        return {end: place for place, end in enumerate(reversed(done))}

    def unfold(self) -> set[tuple[str, str, str, str]]:
        """Return (source, event, guards, dest) of every arrow of the table."""
        return {arrow for edge in self.edges for arrow in edge.unfold()}


def _walk(start: End, onward: Mapping[End, list[End]], done: dict[End, None]) -> None:
    """Put *start* and what follows from it into *done*, last things first."""
    path, met = [(start, iter(onward.get(start, ())))], {start, *done}
    if start in done:
        return
    while path:
        end, ways = path[-1]
        fresh = next((way for way in ways if way not in met), None)
        if fresh is None:
            done[end] = None
            path.pop()
        else:
            met.add(fresh)
            path.append((fresh, iter(onward.get(fresh, ()))))


def _only(end: End) -> str:
    (node,) = end.nodes
    return node.name
