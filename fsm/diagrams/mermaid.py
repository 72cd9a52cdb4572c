"""Mermaid: a graph as a `stateDiagram-v2`, as GitHub renders it.

The law of this file: no text of the user's is markup. What is not plainly harmless is written as
`#code;`, which Mermaid turns back into the character after it has parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .color import safe, text_on
from .drawing import Target, graph
from .graph import Cluster, Edge, End, Graph, Label, Node

__all__ = ["mermaid"]

_LONGEST = 200  # characters of a label
_HARMLESS = re.compile(r"[^\W_]|[ .,()→×\[\]_'!?/+=*-]")
# `direction TB` anywhere in a line is a statement to Mermaid 11, and `--` may be an arrow.
_KEYWORD = re.compile(r"(?i)direction|--+|::+|__proto__")


def mermaid(target: Target, *, direction: str = "LR") -> str:
    """Draw *target* as Mermaid text.

    Args:
        target: What `graph` takes.
        direction: Where the arrows mostly point: `LR` or `TB`.

    Raises:
        InvalidArgument: It cannot be drawn.
    """
    shown = graph(target)
    return "\n".join(_lines(shown, _ids(shown), direction)) + "\n"


def _lines(shown: Graph, ids: Mapping[End, str], direction: str) -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    direction {direction}"
    for cluster in shown.clusters:
        yield f'    state "{_escape(cluster.name)}" as {ids[cluster]} {{'
        for node in cluster.nodes:
            yield f"        {_declared(node, ids)}"
            if node.initial:
                yield f"        [*] --> {ids[node]}"
        if any(edge.inner and edge.source == cluster for edge in shown.edges):
            yield f'        state "any" as {ids[cluster]}_any'
        for edge in shown.edges:
            if edge.inner and edge.source == cluster:
                yield f"        {ids[cluster]}_any --> {ids[edge.dest]}{_labels(edge)}"
            elif edge.source in cluster.nodes and edge.dest in cluster.nodes:
                yield f"        {ids[edge.source]} --> {ids[edge.dest]}{_labels(edge)}"
        for node in cluster.nodes:
            if node.final:
                yield f"        {ids[node]} --> [*]"
        yield "    }"
    for node in shown.loose:
        yield f"    {_declared(node, ids)}"
    for end in (*shown.loose, *shown.clusters):
        if any(node.initial for node in end.nodes):
            yield f"    [*] --> {ids[end]}"
    for edge in shown.edges:
        if not any(set(edge.source.nodes) | set(edge.dest.nodes) <= set(c.nodes) for c in shown.clusters):
            yield f"    {ids[edge.source]} --> {ids[edge.dest]}{_labels(edge)}"
    for node in shown.loose:
        if node.final:
            yield f"    {ids[node]} --> [*]"
    for node in shown.nodes:
        fill = safe(node.color)
        yield f"    classDef {ids[node]} fill:{fill},color:{text_on(fill)}"
        yield f"    class {ids[node]} {ids[node]}"


def _declared(node: Node, ids: Mapping[End, str]) -> str:
    return f'state "{_escape(node.name)}" as {ids[node]}'


def _labels(edge: Edge) -> str:
    if not edge.labels:
        return ""
    return " : " + "<br/>".join(_escape(label.text) for label in edge.labels)


def _ids(shown: Graph) -> dict[End, str]:
    ids: dict[End, str] = {}
    for place, node in enumerate(shown.nodes):
        ids[node] = f"s{place}"
    for place, cluster in enumerate(shown.clusters):
        ids[cluster] = f"f{place}"
    return ids


def _escape(text: str) -> str:
    return "".join(c if _HARMLESS.fullmatch(c) else f"#{ord(c)};" for c in text)
