"""The graph that a diagram draws, as data: states, clusters of them, and the edges between these.

One edge stands for many rows of the table (see `fsm.diagrams.clusters`). Expanded again, the edges
are exactly the edges of the lifecycle, none more and none less.
"""

# Annotations stay real objects here, so that `typing.get_type_hints` works on what is public.

from collections.abc import Iterator, Mapping
from enum import StrEnum

import attrs

from fsm.errors import InvalidArgument
from fsm.lifecycle.display import Display

__all__ = ["TIMES", "Cluster", "Direction", "End", "GraphEdge", "GraphNode", "Label", "StateGraph"]

_MANY = 4  # steps of one label; of more, the first two and the last are shown
TIMES = "\N{MULTIPLICATION SIGN}"


class Direction(StrEnum):
    """Where most edges of a diagram point: down, up, right or left.

    Raises:
        InvalidArgument: `Direction(value)` of a value that is no direction. It is checked since
            the direction is written into markup.
    """

    TB = "TB"
    BT = "BT"
    LR = "LR"
    RL = "RL"

    @classmethod
    def _missing_(cls, value: object) -> "Direction":
        raise InvalidArgument(f"a direction is one of {', '.join(cls)}, not {value!r:.40}")


@attrs.frozen
class GraphNode:
    """One state of a diagram."""

    name: str
    color: str = "#696969"
    doc: str = ""  # the first line of the state's docstring
    initial: bool = False
    final: bool = False
    current: bool = False
    visits: int = 0  # how often the run was here, its beginning included; in a heat map, all runs
    notes: tuple[str, ...] = ()  # lines below the name
    hint: str = ""  # shown when the pointer rests on the state
    heat: float | None = None  # how many runs are here now: 0 for none, 1 for the most

    @property
    def nodes(self) -> "tuple[GraphNode, ...]":
        """The node alone. A cluster has the same property, for its members."""
        return (self,)


@attrs.frozen
class Cluster:
    """States drawn in one box: a class and its subclasses, or in SVG the path of a run."""

    name: str
    nodes: tuple[GraphNode, ...]


End = GraphNode | Cluster


@attrs.frozen
class Label:
    """One event on an edge."""

    event: str
    guards: str = ""  # as in `Transition.label`
    dest: str | None = None  # which member it leads to, where the edge ends at a cluster
    only: tuple[str, ...] = ()  # which members it leads from, where the edge leaves a cluster
    excluding: tuple[str, ...] = ()  # which members it does not lead from
    stays: bool = False  # an internal transition: the run does not leave its state
    steps: tuple[int, ...] = ()  # the steps of the run that took it, by sequence number
    times: int = 0  # in a heat map, how many steps took it

    @property
    def source_note(self) -> str:
        """Which members of the source cluster, where not all: `only Looped`, `not Paused`."""
        if self.only:
            return f"only {', '.join(self.only)}"
        return f"not {', '.join(self.excluding)}" if self.excluding else ""

    @property
    def text(self) -> str:
        """The label as it is shown: `3, 7: retry [attempts left] (not Paused) → Retrying`."""
        steps = ", ".join(map(str, self.steps))
        if len(self.steps) > _MANY:
            steps = f"{self.steps[0]}, {self.steps[1]} … {self.steps[-1]}"
        times = self.times or (len(self.steps) if len(self.steps) > 1 else 0)
        count = f" ({times:,}{TIMES})" if times else ""
        parts = [
            f"{steps}: {self.event}{count}" if steps else f"{self.event}{count}",
            "" if self.times else self.guards,
            f"({self.source_note})" if self.source_note else "",
            "(stays)" if self.stays else "",
            f"→ {self.dest}" if self.dest else "",
        ]
        return " ".join(filter(None, parts))


@attrs.frozen
class GraphEdge:
    """An arrow: from a node, or each node of a cluster, to a node, or a node of a cluster."""

    source: End
    dest: End
    labels: tuple[Label, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The labels as they are shown.

        A source note that all labels share is written once, above them. In a heat map, only the
        labels that were taken are shown.
        """
        shown = [label for label in self.labels if label.times] or self.labels
        sources = {(label.only, label.excluding) for label in shown}
        if len(shown) < 2 or len(sources) > 1 or sources == {((), ())}:
            return tuple(label.text for label in shown)
        bare = [attrs.evolve(label, only=(), excluding=()) for label in shown]
        return (f"{shown[0].source_note}:", *(label.text for label in bare))

    @property
    def taken(self) -> bool:
        """Whether any step of the run, or of the runs in a heat map, took this edge."""
        return any(label.steps or label.times for label in self.labels)

    @property
    def times(self) -> int:
        """In a heat map, how many steps took this edge."""
        return sum(label.times for label in self.labels)

    @property
    def inner(self) -> bool:
        """Whether it leads from a cluster to one of its own members."""
        return isinstance(self.source, Cluster) and self.dest in self.source.nodes

    def expand(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield (source, event, guards, dest) for each edge of the lifecycle in this one."""
        for label in self.labels:
            for node in self.source.nodes:
                if node.name in (label.only or {node.name}) and node.name not in label.excluding:
                    dest = label.dest or _name_of_single(self.dest)
                    yield node.name, label.event, label.guards, dest


@attrs.frozen
class StateGraph(Display):
    """What a diagram shows: of a lifecycle, of one run, of many runs, or of inheritance."""

    title: str
    nodes: tuple[GraphNode, ...]
    clusters: tuple[Cluster, ...]
    edges: tuple[GraphEdge, ...]

    def __repr__(self) -> str:
        return f"<graph {self.title!r:.80}: {len(self.nodes)} states, {len(self.edges)} edges>"

    @property
    def shows_run(self) -> bool:
        """Whether it shows one run."""
        return any(node.current for node in self.nodes)

    @property
    def shows_activity(self) -> bool:
        """Whether it shows what one run or many did; everything else is drawn dim."""
        return self.shows_run or any(node.heat is not None for node in self.nodes)

    @property
    def unclustered(self) -> tuple[GraphNode, ...]:
        """The nodes that are in no cluster."""
        inside = {node.name for cluster in self.clusters for node in cluster.nodes}
        return tuple(node for node in self.nodes if node.name not in inside)

    def path(self) -> "StateGraph":
        """Return only the states where the run has been and the edges that it took."""
        nodes = tuple(node for node in self.nodes if node.visits)
        return attrs.evolve(
            self, nodes=nodes, clusters=(), edges=tuple(edge for edge in self.edges if edge.taken)
        )

    def container(self, node: GraphNode) -> End:
        """Return the cluster that *node* is in, or *node* itself if it is in none."""
        return next((cluster for cluster in self.clusters if node in cluster.nodes), node)

    def cluster_around(self, edge: GraphEdge) -> Cluster | None:
        """Return the cluster that has both ends of *edge* inside; None if there is none."""
        ends = {*edge.source.nodes, *edge.dest.nodes}
        return next((cluster for cluster in self.clusters if ends <= set(cluster.nodes)), None)

    def order(self) -> dict[End, int]:
        """Number nodes and clusters as a run meets them, so that most edges lead forward.

        This is the reverse postorder of a depth-first search that begins at the initial states.
        """
        onward: dict[End, list[End]] = {}
        for edge in self.edges:
            onward.setdefault(edge.source, []).append(edge.dest)
        first = [node for node in self.nodes if node.initial]
        starts = [end for node in (*first, *self.nodes) for end in (self.container(node), node)]
        done: dict[End, None] = {}
        for start in starts:
            _append_postorder(start, onward, done)
        return {end: place for place, end in enumerate(reversed(done))}

    def expand(self) -> set[tuple[str, str, str, str]]:
        """Return (source, event, guards, dest) of every edge of the lifecycle."""
        return {each for edge in self.edges for each in edge.expand()}


def _append_postorder(start: End, onward: Mapping[End, list[End]], done: dict[End, None]) -> None:
    """Add *start* and what can be reached from it to *done*, in postorder."""
    path, met = [(start, iter(onward.get(start, ())))], {start, *done}
    if start in done:
        return
    while path:
        end, following = path[-1]
        fresh = next((each for each in following if each not in met), None)
        if fresh is None:
            done[end] = None
            path.pop()
        else:
            met.add(fresh)
            path.append((fresh, iter(onward.get(fresh, ()))))


def _name_of_single(end: End) -> str:
    (node,) = end.nodes
    return node.name
