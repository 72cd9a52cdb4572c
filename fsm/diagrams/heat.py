"""Heat: a lifecycle with where many runs are now, how long they stay, and which ways they take."""

from __future__ import annotations

import math

import attrs

from fsm.duration import lasting
from fsm.journal.traffic import Stay, Traffic, Way
from fsm.lifecycle import Lifecycle
from fsm.run import Run

from .drawing import of_lifecycle, states_of
from .graph import Edge, Graph, Node

__all__ = ["heat"]


def heat(of: type[Run] | Lifecycle, traffic: Traffic) -> Graph:
    """Return what a diagram of a lifecycle shows with the *traffic* of its runs in it.

    A state says how many runs are there now and how long a stay lasted on average, and glows by
    how many there are; an arrow says how often it was taken. The rest is dim.

    Args:
        of: A Run class, or its lifecycle.
        traffic: What `Journal.traffic` counts. States and ways that are not in the table are left
            out.
    """
    lifecycle = of if isinstance(of, Lifecycle) else of.lifecycle
    most = max((stay.runs for stay in traffic.stays.values()), default=0)
    begun = {source for source, _, _ in traffic.ways}
    nodes = {
        name: _told(node, traffic.stays.get(name, Stay()), most, used=name in begun)
        for name, node in states_of(lifecycle).items()
    }
    shown = of_lifecycle(lifecycle, nodes)
    title = f"{shown.title}, {traffic.runs:,} runs"
    left = dict(traffic.ways)  # each is counted once, also where two rows lead the same way
    edges = tuple(_counted(edge, left) for edge in shown.edges)
    return attrs.evolve(shown, title=title, edges=edges)


def _told(node: Node, stay: Stay, most: int, *, used: bool) -> Node:
    here = f"{stay.runs:,} now" if stay.runs else ""
    mean = "" if stay.mean is None else lasting(round(stay.mean))
    stayed = f"{mean} each" if mean else ""
    hint = ""
    if stay.ended:
        hint = f"{stay.ended:,} stays have ended; they lasted {mean} on average"
    return attrs.evolve(
        node,
        visits=stay.runs + stay.ended or int(used),  # nobody has counted who began there
        notes=tuple(filter(None, (here, stayed))),
        hint=hint,
        heat=math.log1p(stay.runs) / math.log1p(most) if most else 0.0,
    )


def _counted(edge: Edge, left: dict[Way, int]) -> Edge:
    """The same with how often each of its labels was taken, by any of the states it leads from."""
    labels = []
    for label in edge.labels:
        meant = attrs.evolve(edge, labels=(label,)).unfold()
        arrows = {(source, event, dest) for source, event, _, dest in meant}
        labels.append(attrs.evolve(label, times=sum(left.pop(arrow, 0) for arrow in arrows)))
    return attrs.evolve(edge, labels=tuple(labels))
