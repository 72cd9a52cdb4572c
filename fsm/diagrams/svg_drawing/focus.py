"""Front: where a run has been, before all else.

The states it was in leave their families and stand in a box of their own, joined by the steps it
made; the others stay behind, in what is left of their families. What it did not do leads from
border to border.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from fsm.diagrams.graph_model import Cluster, Edge, End, Graph, Label

__all__ = ["front"]


def front(shown: Graph, *, sparse: bool = False) -> Graph:
    """Bring the run's path to the front of *shown*, in a box that is the first.

    Args:
        shown: What a run's diagram shows.
        sparse: Between the states it was in, only what it did.
    """
    been = tuple(node for node in shown.nodes if node.visits)
    # Where it has been everywhere, its path is the whole picture, and needs no box.
    path = (Cluster(shown.title, been),) if len(been) < len(shown.nodes) else ()
    left = (
        attrs.evolve(cluster, nodes=tuple(node for node in cluster.nodes if not node.visits))
        for cluster in shown.clusters
    )
    families = tuple(cluster for cluster in left if len(cluster.nodes) > 1)
    whole = attrs.evolve(shown, clusters=(*path, *families))
    homes = {node.name: whole.home(node) for node in whole.nodes}
    taken = {(edge.source, edge.dest): edge for edge in shown.edges if edge.taken}
    others: dict[tuple[End, End], list[Label]] = {}
    for edge in shown.edges:
        for source, dest, label in () if edge.taken else _moved(edge, homes):
            inside = all(node.visits for node in (*source.nodes, *dest.nodes))
            if (source, dest) not in taken and not (sparse and inside):
                others.setdefault((source, dest), []).append(label)
    rest = (Edge(source, dest, tuple(labels)) for (source, dest), labels in others.items())
    return attrs.evolve(whole, edges=(*taken.values(), *rest))


def _moved(edge: Edge, homes: Mapping[str, End]) -> Iterator[tuple[End, End, Label]]:
    """What *edge* says, between the boxes where its ends are now."""
    for label in edge.labels:
        arrows = list(attrs.evolve(edge, labels=(label,)).unfold())
        meant = {source for source, _, _, _ in arrows}
        sources = [node for node in edge.source.nodes if node.name in meant]
        left = [node for node in sources if not node.visits]  # who stayed speaks for the family
        for node in left or sources:
            (dest,) = (each for each in edge.dest.nodes if each.name == arrows[0][3])
            tail, head = homes[node.name], homes[dest.name]
            if tail == head and isinstance(edge.source, Cluster) and left:
                yield tail, dest, label
                break
            if tail == head:
                yield node, dest, label
            else:
                only = () if left else tuple(source.name for source in sources)
                yield tail, head, attrs.evolve(label, only=only, dest=dest.name)
                break
