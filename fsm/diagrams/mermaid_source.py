"""Mermaid: a graph as a `stateDiagram-v2`, as GitHub renders it.

Two laws. No text of the user's is markup: what is not plainly harmless is written as `#code;`,
which Mermaid turns back into the character after it has parsed. And no edge crosses the border
of a box: Mermaid then lays out each box by itself, and labels do not land on each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fsm.text import as_label

from .build import Target, graph
from .color import safe, text_on
from .direction import checked
from .graph_model import Cluster, Edge, End, Graph, Node
from .labels import wrap_label

__all__ = ["escaped", "mermaid"]

_LINE = 24  # characters; Mermaid would break at 200 pixels, wherever that is
# What has no meaning to Mermaid, Markdown or HTML.
_HARMLESS = re.compile(r"[A-Za-z0-9 ,()\[\]_]|[^\x00-\x7f]")
# But `direction TB` is a statement wherever it stands in a line, so is a state that is called
# `[[join]]`, and an underscore that is not within a word is Markdown.
_HARMFUL = re.compile(r"(?i)d(?=irection)|(?<=\[)\[|(?<=\])\]|(?<![a-z0-9])_|_(?![a-z0-9])")
# What Mermaid writes `#60;` and the like as while it parses: it cannot show these themselves.
_RESERVED = {"\ufb02°": "fl°", "¶ß": "¶ ß"}
_CURRENT = "stroke:#bf3989,stroke-width:4px"


def mermaid(target: Target, *, direction: str = "TB") -> str:
    """Draw *target* as Mermaid text. Of a run, only the path it took: Mermaid cannot dim the rest.

    Args:
        target: What `graph` takes.
        direction: Where the arrows mostly point: `TB` or `LR`.

    Raises:
        InvalidArgument: It cannot be drawn.
    """
    shown = graph(target)
    shown = shown.path() if shown.traced else shown
    return "\n".join(_lines(shown, _ids(shown), checked(direction))) + "\n"


def _lines(shown: Graph, ids: Mapping[End, str], direction: str) -> Iterator[str]:
    ends: tuple[End, ...] = (*shown.loose, *shown.clusters)
    yield "stateDiagram-v2"
    yield f"    direction {direction}"
    for end in sorted(ends, key=shown.order().__getitem__):  # Mermaid lays out in this order
        if any(node.initial for node in end.nodes):
            yield f"    [*] --> {ids[end]}"
        if isinstance(end, Cluster):
            yield from _boxed(end, shown, ids)
        else:
            yield f"    {_declared(end, ids)}"
    for edge in shown.edges:
        if shown.boxed(edge) is None:
            yield f"    {ids[edge.source]} --> {ids[edge.dest]}{_labels(edge)}"
    for node in shown.loose:
        if node.final:
            yield f"    {ids[node]} --> [*]"
    for node in shown.nodes:
        fill = safe(node.color)
        style = f"fill:{fill},color:{text_on(fill)}" + f",{_CURRENT}" * node.current
        yield f"    classDef {ids[node]} {style}"
        yield f"    class {ids[node]} {ids[node]}"


def _boxed(cluster: Cluster, shown: Graph, ids: Mapping[End, str]) -> Iterator[str]:
    """The box, and what lies wholly in it. Mermaid knows no edge from a box to its own inside."""
    inside = [edge for edge in shown.edges if shown.boxed(edge) == cluster]
    anyone = f"{ids[cluster]}any"
    yield f"    {_declared(cluster, ids)} {{"
    for node in cluster.nodes:
        yield f"        {_declared(node, ids)}"
        if node.initial:
            yield f"        [*] --> {ids[node]}"
    if any(edge.inner for edge in inside):
        yield f'        state "any" as {anyone}'
    for edge in inside:
        source = anyone if edge.inner else ids[edge.source]
        yield f"        {source} --> {ids[edge.dest]}{_labels(edge)}"
    for node in cluster.nodes:
        if node.final:
            yield f"        {ids[node]} --> [*]"
    yield "    }"


def _declared(end: End, ids: Mapping[End, str]) -> str:
    notes = end.notes if isinstance(end, Node) else ()
    lines = [as_label(end.name) or "?", *map(as_label, notes)]
    # Broken by a tag, a name would be read as Markdown, and dollars in it as a formula.
    text = "\n".join(map(escaped, lines))
    return f'state "{text}" as {ids[end]}'


def _labels(edge: Edge) -> str:
    lines = [
        f"#160;{escaped(part).replace(' ', '#160;')}#160;"  # room beside, and no break within
        for line in edge.lines
        for part in wrap_label(line, _LINE)
    ]
    return f" : {'<br/>'.join(lines)}" if lines else ""


def _ids(shown: Graph) -> dict[End, str]:
    """Names of our own making: the user's may be words of Mermaid's."""
    ids: dict[End, str] = {node: f"s{place}" for place, node in enumerate(shown.nodes)}
    return ids | {cluster: f"f{place}" for place, cluster in enumerate(shown.clusters)}


def escaped(text: str) -> str:
    """Return *text* as Mermaid shows it and does not read it."""
    text = as_label(text)
    for reserved, alike in _RESERVED.items():
        text = text.replace(reserved, alike)
    harmful = {found.start() for found in _HARMFUL.finditer(text)}
    return "".join(
        letter if _HARMLESS.fullmatch(letter) and place not in harmful else f"#{ord(letter)};"
        for place, letter in enumerate(text)
    )
