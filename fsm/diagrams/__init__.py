"""Diagrams: a lifecycle, a run or the family of states, as a graph, Mermaid, DOT or SVG.

Timelines of many runs are in `fsm.diagrams.timeline`.
"""

from __future__ import annotations

from .dot import dot
from .drawing import Target, graph, inheritance
from .graph import Graph
from .mermaid import mermaid
from .svg import svg

__all__ = ["Graph", "Target", "dot", "graph", "inheritance", "mermaid", "svg"]
