"""DOT: a graph as Graphviz reads it.

The law of this file: all text is in quoted strings, where no character but the quote, the
backslash and the ampersand means anything, and those three are escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm.text import as_label

from .build import Target, graph
from .color import safe, text_on
from .direction import checked
from .graph_model import Cluster, Edge, End, Graph, Node
from .labels import wrap_label

__all__ = ["FAINT", "INK", "PATH", "dot"]

# Legible on white and on near-black; `svg` knows better for each.
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
        target: What `graph` takes.
        direction: Where the arrows mostly point: `TB` or `LR`.

    Raises:
        InvalidArgument: It cannot be drawn.
    """
    shown = graph(target)
    return "\n".join(_lines(shown, checked(direction))) + "\n"


def _lines(shown: Graph, direction: str) -> Iterator[str]:
    names = {node.name: f"n{place}" for place, node in enumerate(shown.nodes)}
    order = shown.order()
    yield f"digraph {_quoted(as_label(shown.title))} {{"
    yield _HEAD.format(direction=direction)
    for place, cluster in enumerate(shown.clusters):
        yield from _boxed(place, cluster, shown, names)
    for node in shown.loose:
        yield f"    {_declared(node, shown, names)}"
    for node in shown.nodes:
        if node.initial:
            yield '    initial [shape=circle, style=filled, label="", width=0.15, height=0.15]'
            yield f"    initial -> {names[node.name]}"
    for edge in shown.edges:
        yield f"    {_arrow(edge, shown, names, order)}"
    yield "}"


def _boxed(place: int, cluster: Cluster, shown: Graph, names: Mapping[str, str]) -> Iterator[str]:
    """The box, with a point above its nodes and one below, for edges that meet its border."""
    inner = any(edge.inner and edge.source == cluster for edge in shown.edges)
    inside = [names[node.name] for node in cluster.nodes] + [f"any{place}"] * inner
    yield f"    subgraph cluster{place} {{"
    yield f'        label={_quoted(as_label(cluster.name))}; style="rounded,dashed"; color="{INK}"'
    yield f"        top{place} [{_POINT}]; bottom{place} [{_POINT}]"
    if inner:
        yield f'        any{place} [label="any", {_ANY}]'
    for node in cluster.nodes:
        yield f"        {_declared(node, shown, names)}"
    for name in inside:
        yield f"        top{place} -> {name} -> bottom{place} [style=invis]"
    yield "    }"


def _declared(node: Node, shown: Graph, names: Mapping[str, str]) -> str:
    fill = safe(node.color)
    marks = {"fillcolor": fill, "fontcolor": text_on(fill), "tooltip": node.doc or node.name}
    if node.final:
        marks["peripheries"] = "2"
    if node.current:
        marks |= {"penwidth": "4", "color": PATH}
    elif shown.lit and not node.visits:
        marks |= {"fillcolor": "#8c959f33", "fontcolor": INK, "color": FAINT}
    label = "\n".join([as_label(node.name) or "?", *node.notes])
    return f"{names[node.name]} [label={_quoted(label)}, {_attributes(marks)}]"


def _arrow(edge: Edge, shown: Graph, names: Mapping[str, str], order: Mapping[End, int]) -> str:
    said = "\n".join(map(as_label, edge.lines))
    marks = {"label": _label(edge), "tooltip": said, "labeltooltip": said}
    if edge.taken:
        marks |= {"color": PATH, "fontcolor": PATH, "penwidth": "2"}
    elif shown.lit:  # what was not done is a faint line that tells its name when asked
        marks |= {"color": FAINT, "label": ""}
    tail, head = edge.source, edge.dest
    if isinstance(tail, Cluster) and edge.inner:
        ends = f"any{shown.clusters.index(tail)} -> {names[head.name]}"
        return f"{ends} [{_attributes(marks)}]"
    if order[tail] > order[head]:  # drawn head first, so that its source is not pulled above it
        tail, head = head, tail
        marks["dir"] = "back"
    if isinstance(tail, Cluster):
        marks["ltail"] = f"cluster{shown.clusters.index(tail)}"
    if isinstance(head, Cluster):
        marks["lhead"] = f"cluster{shown.clusters.index(head)}"
    ends = f"{_anchor(tail, 'bottom', shown, names)} -> {_anchor(head, 'top', shown, names)}"
    return f"{ends} [{_attributes(marks)}]"


def _label(edge: Edge) -> str:
    return "\n".join(part for line in edge.lines for part in wrap_label(line, _LINE))


def _anchor(end: End, side: str, shown: Graph, names: Mapping[str, str]) -> str:
    return names[end.name] if isinstance(end, Node) else f"{side}{shown.clusters.index(end)}"


def _attributes(marks: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in marks.items())


def _quoted(text: str) -> str:
    text = "\n".join(map(as_label, text.split("\n")))
    for found, escaped in (("\\", "\\\\"), ("&", "&amp;"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(found, escaped)
    return f'"{text}"'
