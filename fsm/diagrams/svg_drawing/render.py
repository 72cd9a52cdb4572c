"""Renders a scene as a self-contained SVG document, for light and dark colour schemes.

The text of users stands in elements `text` and `title` only; there are no links and no scripts.
An arrow and its label are one group, and so are a state and its name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree import ElementTree

from fsm.diagrams.build import Target, graph
from fsm.diagrams.color import as_hex, text_on
from fsm.diagrams.graph_model import Cluster, Direction, GraphNode, StateGraph
from fsm.text import as_label

from .compose import compose
from .fonts import BOLD, LINE, text_width
from .graphviz import Point, Size
from .scene import (
    NAME,
    NOTE,
    TEXT,
    TITLE,
    Arrow,
    Shape,
    cluster_title,
    glow_width,
    node_notes,
)
from .svg_paths import arrowhead, box_path, curve_path, format_number

__all__ = ["svg"]

_NAMESPACE = "http://www.w3.org/2000/svg"
_MARGIN = 8
# DejaVu Sans Condensed has nearly the widths of Helvetica, for machines without the first three.
_FONTS = "Helvetica,Arial,Liberation Sans,DejaVu Sans Condensed,sans-serif"
_PALETTE = {  # in a light and in a dark colour scheme
    "paper": ("#ffffff", "#0d1117"),
    "box": ("#f6f8fa", "#151b23"),  # the box of a cluster
    "rim": ("#b6bfc9", "#4a535e"),
    "ink": ("#4d5763", "#aab4bf"),
    "line": ("#818b98", "#7d8590"),
    "path": ("#b02a80", "#f778ba"),  # what a run, or many runs, did
    "dim": ("#eaeef2", "#212830"),  # states where it was not
    "faint": ("#d1d9e0", "#30373f"),
    "glow": ("#ffd591", "#7d4700"),  # in a heat map, where many runs are
}
_DARK = " ".join(
    f".fsm-graph .fill-{name} {{ fill: {dark} }} .fsm-graph .stroke-{name} {{ stroke: {dark} }}"
    for name, (_, dark) in _PALETTE.items()
)
_STYLE = f"""
.fsm-graph .cluster text, .fsm-graph .event {{ font-weight: bold }}
.fsm-graph .edge:hover path {{ stroke-width: 3 }}
@media (prefers-color-scheme: dark) {{ {_DARK} }}
"""


def svg(target: Target, *, direction: str | None = None) -> str:
    """Draw *target* as an SVG document. It needs the extra `diagrams` (pygraphviz).

    Args:
        target: A Run class, a lifecycle, a run, a state class or a graph, as `graph` takes it.
        direction: Where most edges point: a `Direction`, as "TB" (down) or "LR" (right). By
            default right for inheritance; otherwise down, or right if only that fits a page.

    Raises:
        MissingExtra: pygraphviz is not installed.
        InvalidArgument: *target* cannot be drawn, or *direction* is not one.
    """
    shown = graph(target)
    scene = compose(shown, None if direction is None else Direction(direction))
    root = _document(scene.size, as_label(shown.title))
    whole = _group(root, "graph", "")
    for shape in scene.shapes:
        if isinstance(shape.item, Cluster):
            _draw_cluster(whole, shape, shape.item)
    most = max((edge.times for edge in shown.edges), default=0)
    for arrow in sorted(scene.arrows, key=_is_taken):
        _draw_arrow(whole, arrow, _hue(arrow, shown), _stroke(arrow, most))
    for shape in scene.shapes:
        if isinstance(shape.item, GraphNode):
            _draw_state(
                whole, shape, shape.item, dim=shown.shows_activity and not shape.item.visits
            )
        elif not isinstance(shape.item, Cluster):
            _draw_marker(whole, shape, shape.item.kind, dim=shown.shows_activity)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _document(size: Size, title: str) -> ElementTree.Element:
    wide, high = (format_number(2 * _MARGIN + side) for side in size)
    root = ElementTree.Element("svg", {"xmlns": _NAMESPACE, "role": "img", "class": "fsm-graph"})
    root.attrib |= {"width": wide, "height": high}
    root.attrib |= {"viewBox": f"{-_MARGIN} {-_MARGIN} {wide} {high}"}
    root.attrib |= {"font-family": _FONTS, "font-size": str(TEXT)}
    ElementTree.SubElement(root, "title").text = title or "?"
    ElementTree.SubElement(root, "style").text = _STYLE
    middle = size[0] / 2, size[1] / 2
    all_of_it = size[0] + 2 * _MARGIN, size[1] + 2 * _MARGIN
    _paint(_path(root, box_path(middle, all_of_it, 0)), fill="paper")
    return root


def _draw_cluster(whole: ElementTree.Element, shape: Shape, cluster: Cluster) -> None:
    group = _group(whole, "cluster", as_label(cluster.name))
    _paint(_path(group, box_path(shape.middle, shape.size, 10)), fill="box", stroke="rim")
    top = shape.middle[1] - shape.size[1] / 2
    title = _text(group, (shape.middle[0], top + TITLE / 2 + 1), cluster_title(cluster), NAME)
    _fit(title, BOLD * text_width(cluster_title(cluster), NAME))


def _draw_state(whole: ElementTree.Element, shape: Shape, node: GraphNode, *, dim: bool) -> None:
    group = _group(whole, "node", "\n".join(map(as_label, filter(None, (node.doc, node.hint)))))
    fill, (wide, high) = as_hex(node.color), shape.size
    if around := glow_width(node):
        _paint(_path(group, box_path(shape.middle, (wide, high), 8 + around)), fill="glow")
        wide, high = wide - 2 * around, high - 2 * around
    stroke = "faint" if dim else "path" if node.current else "line"
    if node.final:
        _paint(_path(group, box_path(shape.middle, (wide, high), 11)), stroke=stroke)
        wide, high = wide - 6, high - 6
    body = _path(group, box_path(shape.middle, (wide, high), 8))
    body.set("fill", fill)
    _paint(body, fill="dim" if dim else "", stroke=stroke)
    if node.current:
        body.set("stroke-width", "4")
    notes = node_notes(node)
    x, y = shape.middle[0], shape.middle[1] - (LINE * NOTE * len(notes) + 2) / 2 * bool(notes)
    texts = [_text(group, (x, y), as_label(node.name) or "?", NAME)]
    below = _group(group, "note", "") if notes else group
    for place, note in enumerate(notes):
        texts.append(_text(below, (x, y + 4 + LINE * NOTE * (place + 1)), note, NOTE))
    for text in () if dim else texts:
        text.set("fill", text_on(fill))
        del text.attrib["class"]


def _draw_marker(whole: ElementTree.Element, shape: Shape, kind: str, *, dim: bool) -> None:
    group = _group(whole, kind, "where a run begins" if kind == "start" else "any of the family")
    body = _path(group, box_path(shape.middle, shape.size, shape.size[1] / 2))
    if kind == "start":
        _paint(body, fill="ink")
    else:
        _paint(body, stroke="faint" if dim else "line").set("stroke-dasharray", "4 2")
        _text(group, shape.middle, kind, TEXT)


def _draw_arrow(whole: ElementTree.Element, arrow: Arrow, hue: str, stroke: float) -> None:
    hint = "\n".join(map(as_label, arrow.edge.lines)) if arrow.edge else ""
    group = _group(whole, "edge", hint)
    for curve in arrow.curves:
        line = _paint(_path(group, curve_path(curve)), stroke=hue)
        if stroke != 1:
            line.set("stroke-width", format_number(stroke))
        if curve.tip:
            _paint(
                ElementTree.SubElement(group, "polygon", points=arrowhead(curve, stroke)), fill=hue
            )
    x, y = arrow.middle
    first = y - LINE * TEXT * (len(arrow.lines) - 1) / 2
    color = "path" if hue == "path" else "ink"
    for place, (event, rest) in enumerate(_split_events(arrow)):
        text = _text(group, (x, first + LINE * TEXT * place), event + rest, TEXT, color)
        if event:
            text.text, name = None, ElementTree.SubElement(text, "tspan", {"class": "event"})
            name.text, name.tail = event, rest


def _split_events(arrow: Arrow) -> Iterator[tuple[str, str]]:
    """Split each line of a label after the name of the event that it begins with, if any.

    Labels of the steps of a run begin with numbers; their events are not made bold.
    """
    labels = arrow.edge.labels if arrow.edge else ()
    events = [as_label(label.event) for label in labels if not label.steps]
    for line in arrow.lines:
        found = next((event for event in events if event and line.startswith(event)), "")
        del events[: events.index(found) + 1 if found else 0]
        yield found, line[len(found) :]


def _hue(arrow: Arrow, shown: StateGraph) -> str:
    if _is_taken(arrow):
        return "path"
    return "faint" if shown.shows_activity and arrow.edge is not None else "line"


def _stroke(arrow: Arrow, most: int) -> float:
    """The width of the line, in pixels; in a heat map, by how many steps took the edge."""
    if not _is_taken(arrow):
        return 1
    times = arrow.edge.times if arrow.edge else 0
    return 1.5 + 2.5 * math.log1p(times) / math.log1p(most) if most else 2


def _is_taken(arrow: Arrow) -> bool:
    return arrow.edge is not None and arrow.edge.taken


def _group(within: ElementTree.Element, kind: str, hint: str) -> ElementTree.Element:
    group = ElementTree.SubElement(within, "g", {"class": kind})
    if hint:
        ElementTree.SubElement(group, "title").text = hint
    return group


def _path(within: ElementTree.Element, data: str) -> ElementTree.Element:
    return ElementTree.SubElement(within, "path", {"d": data, "fill": "none"})


def _text(
    within: ElementTree.Element, middle: Point, text: str, size: float, color: str = "ink"
) -> ElementTree.Element:
    x, y = (
        format_number(middle[0]),
        format_number(middle[1] + 0.35 * size),
    )  # half the height of a capital
    marks = {"x": x, "y": y, "text-anchor": "middle"}
    if size != TEXT:
        marks["font-size"] = str(size)
    element = ElementTree.SubElement(within, "text", marks)
    element.text = text
    _fit(element, text_width(text, size))
    return _paint(element, fill=color)


def _fit(text: ElementTree.Element, wide: float) -> None:
    """Stretch a text to the width that was reserved for it, whichever font there is."""
    if wide:
        text.attrib |= {"textLength": format_number(wide), "lengthAdjust": "spacingAndGlyphs"}


def _paint(
    element: ElementTree.Element, *, fill: str = "", stroke: str = ""
) -> ElementTree.Element:
    """Colour an element: by attributes for a light scheme, by its class for a dark one."""
    used = [(side, name) for side, name in (("fill", fill), ("stroke", stroke)) if name]
    for side, name in used:
        element.set(side, _PALETTE[name][0])
    element.set("class", " ".join(f"{side}-{name}" for side, name in used))
    return element
