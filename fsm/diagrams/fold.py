"""Fold: many arrows of a table into few edges of a picture, and exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from .clusters import folds
from .graph_model import Cluster, Edge, End, Label, Node

__all__ = ["Arrow", "fold"]


@attrs.frozen
class Arrow:
    """One arrow of the table, by name."""

    source: str
    event: str
    guards: str
    dest: str
    stays: bool = False


def fold(
    arrows: Iterable[Arrow], nodes: Iterable[Node], clusters: Iterable[Cluster]
) -> tuple[Edge, ...]:
    """Draw *arrows* as few edges: one for a family, and one for all that join the same ends."""
    ends = {node.name: node for node in nodes}
    homes = {node.name: cluster for cluster in clusters for node in cluster.nodes}
    edges = _joined(_from_families(arrows, ends, homes))
    return tuple(_joined(_to_borders(edges, homes)))


def _from_families(
    arrows: Iterable[Arrow], ends: dict[str, Node], homes: dict[str, Cluster]
) -> Iterator[Edge]:
    """One edge from the border where (nearly) all of a family have the same way out."""
    ways: dict[tuple[Cluster | None, Arrow], list[str]] = {}
    for arrow in dict.fromkeys(arrows):
        home = None if arrow.stays else homes.get(arrow.source)
        way = attrs.evolve(arrow, source="" if home else arrow.source)
        ways.setdefault((home, way), []).append(arrow.source)
    for (home, way), sources in ways.items():
        label = Label(way.event, way.guards, stays=way.stays)
        if home and folds(sources, home.nodes):
            missing = tuple(node.name for node in home.nodes if node.name not in sources)
            yield Edge(home, ends[way.dest], (attrs.evolve(label, excluding=missing),))
        else:
            for source in dict.fromkeys(sources):
                yield Edge(ends[source], ends[way.dest], (label,))


def _to_borders(edges: Iterable[Edge], homes: dict[str, Cluster]) -> Iterator[Edge]:
    """Let what leads from family to family join their borders; labels say which members."""
    for edge in edges:
        source, dest = _home(edge.source, homes), _home(edge.dest, homes)
        if source == dest:
            yield edge
            continue
        labels = edge.labels
        if isinstance(source, Cluster) and isinstance(edge.source, Node):
            labels = tuple(attrs.evolve(label, only=(edge.source.name,)) for label in labels)
        if isinstance(dest, Cluster) and isinstance(edge.dest, Node):
            labels = tuple(attrs.evolve(label, dest=edge.dest.name) for label in labels)
        yield Edge(source, dest, labels)


def _joined(edges: Iterable[Edge]) -> list[Edge]:
    """One edge for all that join the same ends."""
    found: dict[tuple[End, End], list[Label]] = {}
    for edge in edges:
        found.setdefault((edge.source, edge.dest), []).extend(edge.labels)
    return [
        Edge(source, dest, tuple(dict.fromkeys(labels))) for (source, dest), labels in found.items()
    ]


def _home(end: End, homes: dict[str, Cluster]) -> End:
    return homes.get(end.name, end) if isinstance(end, Node) else end
