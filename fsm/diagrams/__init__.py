"""Diagrams: a lifecycle, a run or the family of states, as a graph, Mermaid, DOT, SVG or a table.

Many runs over time are a `chart` in SVG and a `gantt` in Mermaid; that for the terminal is in
`fsm.diagrams.timeline`.
"""

from __future__ import annotations

from .chart import chart
from .dot import dot
from .drawing import Target, graph, inheritance
from .gantt import gantt
from .graph import Graph
from .heat import heat
from .mermaid import mermaid
from .svg import svg
from .table import table

__all__ = [
    "Graph", "Target", "chart", "dot", "gantt", "graph", "heat", "inheritance", "mermaid", "svg",
    "table",
]  # fmt: skip
