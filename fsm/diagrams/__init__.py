"""Diagrams of lifecycles, runs and the inheritance of states, and pictures of many runs over time.

`graph`, `inheritance` and `heat` return the graph to draw; `svg`, `mermaid` and `dot` draw one, and
also take a Run class, a lifecycle, a run or a state class. `table` returns a Markdown table.
`chart` (SVG) and `gantt` (Mermaid) draw runs over time; `fsm.diagrams.timeline.console` draws them
on a terminal, and is apart as it imports rich.
"""

from types import FunctionType

from fsm.diagrams.svg_drawing.render import svg
from fsm.diagrams.timeline.mermaid import gantt
from fsm.diagrams.timeline.svg import chart

from .build import Target, graph, inheritance
from .dot_source import dot
from .graph_model import Cluster, Direction, GraphEdge, GraphNode, Label, StateGraph
from .heat_map import heat
from .markdown import table
from .mermaid_source import mermaid

__all__ = [
    "Cluster", "Direction", "GraphEdge", "GraphNode", "Label", "StateGraph", "Target", "chart",
    "dot", "gantt", "graph", "heat", "inheritance", "mermaid", "svg", "table",
]  # fmt: skip

for _name in __all__:  # reprs, pickles and `help` show where a name is public
    if isinstance(_public := globals()[_name], type | FunctionType):
        _public.__module__ = __name__
