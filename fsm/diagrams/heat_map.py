"""Heat: a lifecycle with where many runs are now, how long they stay, and which ways they take."""

from __future__ import annotations

import math

import attrs

from fsm.durations import lasting
from fsm.journal.traffic import Stay, Traffic, Way

from .build import Target, graph
from .graph_model import Cluster, Edge, End, Graph, Node

__all__ = ["heat"]


def heat(target: Target, traffic: Traffic, *, now: bool = True) -> Graph:
    """Return what a diagram of *target* shows with the *traffic* of its runs in it.

    A state says how many runs are there now and how long a stay lasted on average, and glows by
    how many there are; an arrow says how often it was taken. The rest is dim.

    Args:
        target: What `graph` takes: a Run class, or its lifecycle.
        traffic: What `Journal.traffic` counts. States and ways that are not in the table are left
            out.
        now: Whether states say how many runs are there; who shows that otherwise need not.
    """
    shown = graph(target)
    most = max((stay.runs for stay in traffic.stays.values()), default=0)
    begun = {source for source, _, _ in traffic.ways}

    def told(node: Node) -> Node:
        stay = traffic.stays.get(node.name, Stay())
        here = f"{stay.runs:,} now" if stay.runs and now else ""
        mean = "" if stay.mean is None else lasting(round(stay.mean))
        hint = f"{stay.ended:,} stays have ended; they lasted {mean} on average" if mean else ""
        return attrs.evolve(
            node,
            # Nobody has counted who began there.
            visits=stay.runs + stay.ended or int(node.name in begun),
            notes=tuple(filter(None, (here, mean and f"{mean} each"))),
            hint=hint,
            heat=math.log1p(stay.runs) / math.log1p(most) if most else 0.0,
        )

    nodes = {node: told(node) for node in shown.nodes}
    boxes = {
        box: Cluster(box.name, tuple(nodes[node] for node in box.nodes)) for box in shown.clusters
    }
    ends: dict[End, End] = dict([*nodes.items(), *boxes.items()])
    left = dict(traffic.ways)  # each is counted once, also where two rows lead the same way
    edges = (
        attrs.evolve(_counted(edge, left), source=ends[edge.source], dest=ends[edge.dest])
        for edge in shown.edges
    )
    title = f"{shown.title}, {traffic.runs:,} runs"
    return Graph(title, tuple(nodes.values()), tuple(boxes.values()), tuple(edges))


def _counted(edge: Edge, left: dict[Way, int]) -> Edge:
    """The same with how often each of its labels was taken, by any of the states it leads from."""
    labels = []
    for label in edge.labels:
        meant = attrs.evolve(edge, labels=(label,)).unfold()
        arrows = {(source, event, dest) for source, event, _, dest in meant}
        labels.append(attrs.evolve(label, times=sum(left.pop(arrow, 0) for arrow in arrows)))
    return attrs.evolve(edge, labels=tuple(labels))
