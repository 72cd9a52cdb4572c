"""Diagrams: a lifecycle, a run or the family of states, as a graph, Mermaid, DOT, SVG or a table.

Many runs over time are a `chart` in SVG and a `gantt` in Mermaid; that for the terminal is in
`fsm.diagrams.timeline`.
"""

from __future__ import annotations

from fsm.diagrams.svg_drawing.render import svg
from fsm.diagrams.timeline.mermaid import gantt
from fsm.diagrams.timeline.svg import chart

from .build import Target, graph, inheritance
from .dot_source import dot
from .graph_model import Graph
from .heat_map import heat
from .markdown import table
from .mermaid_source import mermaid

__all__ = [
    "Graph", "Target", "chart", "dot", "gantt", "graph", "heat", "inheritance", "mermaid", "svg",
    "table",
]  # fmt: skip
