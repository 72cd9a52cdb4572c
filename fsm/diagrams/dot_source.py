"""A graph as DOT, the language of Graphviz.

All text stands in quoted strings, where only the quote, the backslash and the ampersand have a
meaning; these three are escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm.text import as_label

from .build import Target, graph
from .color import as_hex, text_on
from .graph_model import Cluster, Direction, End, GraphEdge, GraphNode, StateGraph
from .labels import wrap_label

__all__ = ["FAINT", "INK", "PATH", "dot"]

# Legible on white and on near-black. `svg` has a palette for each.
INK, PATH, FAINT = "#6e7781", "#bf3989", "#b6bcc3"
_LINE = 24  # characters
_POINT = 'shape=point, style=invis, width=0, height=0, label=""'
_ANY = f'style="rounded,dashed", fontcolor="{INK}", height=0.3'
_HEAD = f"""\
    graph [compound=true, rankdir={{direction}}, bgcolor=transparent,
           fontname="Helvetica,Arial,sans-serif", fontsize=13, fontcolor="{INK}",
           nodesep=0.3, ranksep=0.34]
    node [shape=box, style="rounded,filled", color="{INK}", penwidth=1, height=0.4,
          fontname="Helvetica,Arial,sans-serif", fontsize=13]
    edge [color="{INK}", fontcolor="{INK}", fontname="Helvetica,Arial,sans-serif", fontsize=12,
          arrowsize=0.7]"""


def dot(target: Target, *, direction: str = "TB") -> str:
    """Draw *target* as DOT text.

    Args:
        target: A Run class, a lifecycle, a run, a state class or a graph, as `graph` takes it.
        direction: Where most edges point: a `Direction`, as "TB" (down) or "LR" (right).

    Raises:
        InvalidArgument: *target* cannot be drawn, or *direction* is not one.
    """
    shown = graph(target)
    return "\n".join(_lines(shown, Direction(direction))) + "\n"


def _lines(shown: StateGraph, direction: Direction) -> Iterator[str]:
    names = {node.name: f"n{place}" for place, node in enumerate(shown.nodes)}
    order = shown.order()
    yield f"digraph {_quote(as_label(shown.title))} {{"
    yield _HEAD.format(direction=direction)
    for place, cluster in enumerate(shown.clusters):
        yield from _box(place, cluster, shown, names)
    for node in shown.unclustered:
        yield f"    {_declare(node, shown, names)}"
    for node in shown.nodes:
        if node.initial:
            yield '    initial [shape=circle, style=filled, label="", width=0.15, height=0.15]'
            yield f"    initial -> {names[node.name]}"
    for edge in shown.edges:
        yield f"    {_arrow(edge, shown, names, order)}"
    yield "}"


def _box(
    place: int, cluster: Cluster, shown: StateGraph, names: Mapping[str, str]
) -> Iterator[str]:
    """The box, with invisible points above and below its nodes for edges that end at its border."""
    inner = any(edge.inner and edge.source == cluster for edge in shown.edges)
    inside = [names[node.name] for node in cluster.nodes] + [f"any{place}"] * inner
    yield f"    subgraph cluster{place} {{"
    yield f'        label={_quote(as_label(cluster.name))}; style="rounded,dashed"; color="{INK}"'
    yield f"        top{place} [{_POINT}]; bottom{place} [{_POINT}]"
    if inner:
        yield f'        any{place} [label="any", {_ANY}]'
    for node in cluster.nodes:
        yield f"        {_declare(node, shown, names)}"
    for name in inside:
        yield f"        top{place} -> {name} -> bottom{place} [style=invis]"
    yield "    }"


def _declare(node: GraphNode, shown: StateGraph, names: Mapping[str, str]) -> str:
    fill = as_hex(node.color)
    marks = {"fillcolor": fill, "fontcolor": text_on(fill), "tooltip": node.doc or node.name}
    if node.final:
        marks["peripheries"] = "2"
    if node.current:
        marks |= {"penwidth": "4", "color": PATH}
    elif shown.shows_activity and not node.visits:
        marks |= {"fillcolor": "#8c959f33", "fontcolor": INK, "color": FAINT}
    label = "\n".join([as_label(node.name) or "?", *node.notes])
    return f"{names[node.name]} [label={_quote(label)}, {_attributes(marks)}]"


def _arrow(
    edge: GraphEdge, shown: StateGraph, names: Mapping[str, str], order: Mapping[End, int]
) -> str:
    lines = "\n".join(map(as_label, edge.lines))
    marks = {"label": _label(edge), "tooltip": lines, "labeltooltip": lines}
    if edge.taken:
        marks |= {"color": PATH, "fontcolor": PATH, "penwidth": "2"}
    elif shown.shows_activity:  # an edge that was not taken shows its label as a tooltip only
        marks |= {"color": FAINT, "label": ""}
    tail, head = edge.source, edge.dest
    if isinstance(tail, Cluster) and edge.inner:
        ends = f"any{shown.clusters.index(tail)} -> {names[head.name]}"
        return f"{ends} [{_attributes(marks)}]"
    if order[tail] > order[head]:  # head first, so that Graphviz does not put the source above it
        tail, head = head, tail
        marks["dir"] = "back"
    if isinstance(tail, Cluster):
        marks["ltail"] = f"cluster{shown.clusters.index(tail)}"
    if isinstance(head, Cluster):
        marks["lhead"] = f"cluster{shown.clusters.index(head)}"
    ends = f"{_anchor(tail, 'bottom', shown, names)} -> {_anchor(head, 'top', shown, names)}"
    return f"{ends} [{_attributes(marks)}]"


def _label(edge: GraphEdge) -> str:
    return "\n".join(part for line in edge.lines for part in wrap_label(line, _LINE))


def _anchor(end: End, side: str, shown: StateGraph, names: Mapping[str, str]) -> str:
    return names[end.name] if isinstance(end, GraphNode) else f"{side}{shown.clusters.index(end)}"


def _attributes(marks: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_quote(value)}" for name, value in marks.items())


def _quote(text: str) -> str:
    text = "\n".join(map(as_label, text.split("\n")))
    for found, escape in (("\\", "\\\\"), ("&", "&amp;"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(found, escape)
    return f'"{text}"'
