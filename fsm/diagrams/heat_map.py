"""Heat map: a lifecycle with where many runs are, how long they stay, and which edges they take."""

from __future__ import annotations

import math

import attrs

from fsm.durations import format_duration
from fsm.journal.traffic import EdgeNames, Stay, Traffic

from .build import Target, graph
from .graph_model import Cluster, End, GraphEdge, GraphNode, StateGraph

__all__ = ["heat"]


def heat(target: Target, traffic: Traffic, *, now: bool = True) -> StateGraph:
    """Return what a diagram of *target* shows with the *traffic* of its runs in it.

    A state shows how many runs are there now and how long they stayed on average, and glows by how
    many there are. An edge shows how many steps took it. Everything else is drawn dim.

    Args:
        target: A Run class or its lifecycle, or anything else that `graph` takes.
        traffic: What `Journal.traffic` returns. States and edges that are not in the lifecycle are
            ignored.
        now: Whether states show how many runs are there now. False for a page that shows these
            numbers itself, as they change more often than the picture.

    Raises:
        InvalidArgument: *target* cannot be drawn.
    """
    shown = graph(target)
    most = max((stay.runs for stay in traffic.stays.values()), default=0)
    begun = {source for source, _, _ in traffic.steps}

    def add_heat(node: GraphNode) -> GraphNode:
        stay = traffic.stays.get(node.name, Stay())
        here = f"{stay.runs:,} now" if stay.runs and now else ""
        mean = "" if stay.mean is None else format_duration(round(stay.mean))
        hint = f"{stay.ended:,} stays have ended; they lasted {mean} on average" if mean else ""
        return attrs.evolve(
            node,
            # Traffic does not count the runs that began in a state, only steps into it.
            visits=stay.runs + stay.ended or int(node.name in begun),
            notes=tuple(filter(None, (here, mean and f"{mean} each"))),
            hint=hint,
            heat=math.log1p(stay.runs) / math.log1p(most) if most else 0.0,
        )

    nodes = {node: add_heat(node) for node in shown.nodes}
    clusters = {
        cluster: Cluster(cluster.name, tuple(nodes[node] for node in cluster.nodes))
        for cluster in shown.clusters
    }
    ends: dict[End, End] = dict([*nodes.items(), *clusters.items()])
    left = dict(traffic.steps)  # each is counted once, also where two rows have the same ends
    edges = (
        attrs.evolve(_count(edge, left), source=ends[edge.source], dest=ends[edge.dest])
        for edge in shown.edges
    )
    title = f"{shown.title}, {traffic.runs:,} runs"
    return StateGraph(title, tuple(nodes.values()), tuple(clusters.values()), tuple(edges))


def _count(edge: GraphEdge, left: dict[EdgeNames, int]) -> GraphEdge:
    """Return *edge* with how many steps took each of its labels, and remove these from *left*."""
    labels = []
    for label in edge.labels:
        meant = attrs.evolve(edge, labels=(label,)).expand()
        keys = {(source, event, dest) for source, event, _, dest in meant}
        labels.append(attrs.evolve(label, times=sum(left.pop(key, 0) for key in keys)))
    return attrs.evolve(edge, labels=tuple(labels))
