"""Focus: brings the path of a run to the front of its diagram.

The states where the run has been leave their clusters and stand in a box of their own, joined by
the steps that it made. The other states stay in what is left of their clusters. Edges that were
not taken lead from border to border.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from fsm.diagrams.graph_model import Cluster, End, GraphEdge, Label, StateGraph

__all__ = ["focus"]


def focus(shown: StateGraph, *, sparse: bool = False) -> StateGraph:
    """Return *shown* with the run's path in a box, which is the first cluster.

    Args:
        shown: The graph of a run.
        sparse: Whether to leave out the edges between visited states that were not taken.
    """
    visited = tuple(node for node in shown.nodes if node.visits)
    # Where the run has been everywhere, its path is the whole picture and needs no box.
    path = (Cluster(shown.title, visited),) if len(visited) < len(shown.nodes) else ()
    left = (
        attrs.evolve(cluster, nodes=tuple(node for node in cluster.nodes if not node.visits))
        for cluster in shown.clusters
    )
    clusters = tuple(cluster for cluster in left if len(cluster.nodes) > 1)
    whole = attrs.evolve(shown, clusters=(*path, *clusters))
    containers = {node.name: whole.container(node) for node in whole.nodes}
    taken = {(edge.source, edge.dest): edge for edge in shown.edges if edge.taken}
    others: dict[tuple[End, End], list[Label]] = {}
    for edge in shown.edges:
        for source, dest, label in () if edge.taken else _reroute(edge, containers):
            inside = all(node.visits for node in (*source.nodes, *dest.nodes))
            if (source, dest) not in taken and not (sparse and inside):
                others.setdefault((source, dest), []).append(label)
    rest = (GraphEdge(source, dest, tuple(labels)) for (source, dest), labels in others.items())
    return attrs.evolve(whole, edges=(*taken.values(), *rest))


def _reroute(edge: GraphEdge, containers: Mapping[str, End]) -> Iterator[tuple[End, End, Label]]:
    """Yield source, dest and label of *edge* between the boxes where its ends are now."""
    for label in edge.labels:
        meant = list(attrs.evolve(edge, labels=(label,)).expand())
        names = {source for source, _, _, _ in meant}
        sources = [node for node in edge.source.nodes if node.name in names]
        left = [node for node in sources if not node.visits]  # where any, it leaves their cluster
        for node in left or sources:
            (dest,) = (each for each in edge.dest.nodes if each.name == meant[0][3])
            tail, head = containers[node.name], containers[dest.name]
            if tail == head and isinstance(edge.source, Cluster) and left:
                yield tail, dest, label
                break
            if tail == head:
                yield node, dest, label
            else:
                only = () if left else tuple(source.name for source in sources)
                yield tail, head, attrs.evolve(label, only=only, dest=dest.name)
                break
