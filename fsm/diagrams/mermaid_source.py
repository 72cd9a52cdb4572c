"""A graph as a Mermaid `stateDiagram-v2`, as GitHub renders it.

Every character of a user's text that might be markup is written as `#code;`, which Mermaid turns
back into the character after it has parsed the diagram. No edge crosses the border of a box:
Mermaid then lays out each box by itself, and labels do not overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fsm.text import as_label

from .build import Target, graph
from .color import as_hex, text_on
from .graph_model import Cluster, Direction, End, GraphEdge, GraphNode, StateGraph
from .labels import wrap_label

__all__ = ["escape_mermaid", "mermaid"]

_LINE = 24  # characters; otherwise Mermaid breaks lines at 200 pixels, in the middle of words
# Characters without a meaning to Mermaid, Markdown or HTML.
_HARMLESS = re.compile(r"[A-Za-z0-9 ,()\[\]_]|[^\x00-\x7f]")
# Exceptions: `direction TB` is a statement anywhere in a line, a state called `[[join]]` is a
# join, and an underscore that is not within a word is Markdown.
_HARMFUL = re.compile(r"(?i)d(?=irection)|(?<=\[)\[|(?<=\])\]|(?<![a-z0-9])_|_(?![a-z0-9])")
# While Mermaid parses, it stands these in for `#60;` and the like, so it cannot show them.
_RESERVED = {"\ufb02°": "fl°", "¶ß": "¶ ß"}
_CURRENT = "stroke:#bf3989,stroke-width:4px"


def mermaid(target: Target, *, direction: str = "TB") -> str:
    """Draw *target* as Mermaid text. Of a run, only its path: Mermaid cannot dim the rest.

    Args:
        target: A Run class, a lifecycle, a run, a state class or a graph, as `graph` takes it.
        direction: Where most edges point: a `Direction`, as "TB" (down) or "LR" (right).

    Raises:
        InvalidArgument: *target* cannot be drawn, or *direction* is not one.
    """
    shown = graph(target)
    shown = shown.path() if shown.shows_run else shown
    return "\n".join(_lines(shown, _ids(shown), Direction(direction))) + "\n"


def _lines(shown: StateGraph, ids: Mapping[End, str], direction: Direction) -> Iterator[str]:
    ends: tuple[End, ...] = (*shown.unclustered, *shown.clusters)
    yield "stateDiagram-v2"
    yield f"    direction {direction}"
    for end in sorted(ends, key=shown.order().__getitem__):  # Mermaid lays out in this order
        if any(node.initial for node in end.nodes):
            yield f"    [*] --> {ids[end]}"
        if isinstance(end, Cluster):
            yield from _box(end, shown, ids)
        else:
            yield f"    {_declare(end, ids)}"
    for edge in shown.edges:
        if shown.cluster_around(edge) is None:
            yield f"    {ids[edge.source]} --> {ids[edge.dest]}{_labels(edge)}"
    for node in shown.unclustered:
        if node.final:
            yield f"    {ids[node]} --> [*]"
    for node in shown.nodes:
        fill = as_hex(node.color)
        style = f"fill:{fill},color:{text_on(fill)}" + f",{_CURRENT}" * node.current
        yield f"    classDef {ids[node]} {style}"
        yield f"    class {ids[node]} {ids[node]}"


def _box(cluster: Cluster, shown: StateGraph, ids: Mapping[End, str]) -> Iterator[str]:
    """The box with everything inside it.

    Mermaid has no edge from a box to its own inside; such an edge begins at a node "any" instead.
    """
    inside = [edge for edge in shown.edges if shown.cluster_around(edge) == cluster]
    any_id = f"{ids[cluster]}any"
    yield f"    {_declare(cluster, ids)} {{"
    for node in cluster.nodes:
        yield f"        {_declare(node, ids)}"
        if node.initial:
            yield f"        [*] --> {ids[node]}"
    if any(edge.inner for edge in inside):
        yield f'        state "any" as {any_id}'
    for edge in inside:
        source = any_id if edge.inner else ids[edge.source]
        yield f"        {source} --> {ids[edge.dest]}{_labels(edge)}"
    for node in cluster.nodes:
        if node.final:
            yield f"        {ids[node]} --> [*]"
    yield "    }"


def _declare(end: End, ids: Mapping[End, str]) -> str:
    notes = end.notes if isinstance(end, GraphNode) else ()
    lines = [as_label(end.name) or "?", *map(as_label, notes)]
    # Lines end with a newline: after a `<br/>`, Mermaid reads names as Markdown and `$$` as math.
    text = "\n".join(map(escape_mermaid, lines))
    return f'state "{text}" as {ids[end]}'


def _labels(edge: GraphEdge) -> str:
    lines = [
        # No-break spaces: one on each side, and no line break within.
        f"#160;{escape_mermaid(part).replace(' ', '#160;')}#160;"
        for line in edge.lines
        for part in wrap_label(line, _LINE)
    ]
    return f" : {'<br/>'.join(lines)}" if lines else ""


def _ids(shown: StateGraph) -> dict[End, str]:
    """Generated ids, since a user's name may be a keyword of Mermaid."""
    ids: dict[End, str] = {node: f"s{place}" for place, node in enumerate(shown.nodes)}
    return ids | {cluster: f"f{place}" for place, cluster in enumerate(shown.clusters)}


def escape_mermaid(text: str) -> str:
    """Return *text* so that Mermaid shows it and reads no markup in it."""
    text = as_label(text)
    for reserved, replacement in _RESERVED.items():
        text = text.replace(reserved, replacement)
    harmful = {found.start() for found in _HARMFUL.finditer(text)}
    return "".join(
        letter if _HARMLESS.fullmatch(letter) and place not in harmful else f"#{ord(letter)};"
        for place, letter in enumerate(text)
    )
