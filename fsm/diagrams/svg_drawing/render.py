"""SVG: a scene as a document that needs nothing from outside, in the light and in the dark.

The law of this file: what the user wrote is text, in an element `text` or `title`; there are no
links and no scripts. An arrow and its label are one group, and so are a state and its name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree import ElementTree

from fsm.diagrams.build import Target, graph
from fsm.diagrams.color import safe, text_on
from fsm.diagrams.direction import checked
from fsm.diagrams.graph_model import Cluster, Graph, Node
from fsm.text import as_label

from .compose import staged
from .fonts import BOLD, LINE, width
from .graphviz import Point, Size
from .paths import curve, number, rounded, tip
from .scene import NAME, NOTE, TEXT, TITLE, Arrow, Shape, glow, noted, titled

__all__ = ["svg"]

_NAMESPACE = "http://www.w3.org/2000/svg"
_MARGIN = 8
# The last but one has nearly the widths of the first, on a machine with none of them.
_FONTS = "Helvetica,Arial,Liberation Sans,DejaVu Sans Condensed,sans-serif"
_PALETTE = {  # in the light, in the dark
    "paper": ("#ffffff", "#0d1117"),
    "box": ("#f6f8fa", "#151b23"),  # what a family stands in
    "rim": ("#b6bfc9", "#4a535e"),
    "ink": ("#4d5763", "#aab4bf"),
    "line": ("#818b98", "#7d8590"),
    "path": ("#b02a80", "#f778ba"),  # where a run went
    "dim": ("#eaeef2", "#212830"),  # where it did not
    "faint": ("#d1d9e0", "#30373f"),
    "glow": ("#ffd591", "#7d4700"),  # where many runs are
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
    """Draw *target* as an SVG document.

    Args:
        target: What `graph` takes.
        direction: Where the arrows mostly point: `TB` or `LR`; if left out, what inherits from
            each other reads from left to right, all else from top to bottom, if that fits a page.

    Raises:
        MissingExtra: pygraphviz is not installed.
        InvalidArgument: It cannot be drawn.
    """
    shown = graph(target)
    found = staged(shown, direction and checked(direction))
    root = _document(found.size, as_label(shown.title))
    whole = _group(root, "graph", "")
    for shape in found.shapes:
        if isinstance(shape.thing, Cluster):
            _family(whole, shape, shape.thing)
    most = max((edge.times for edge in shown.edges), default=0)
    for arrow in sorted(found.arrows, key=_is_taken):
        _arrow(whole, arrow, _hue(arrow, shown), _stroke(arrow, most))
    for shape in found.shapes:
        if isinstance(shape.thing, Node):
            _state(whole, shape, shape.thing, dim=shown.lit and not shape.thing.visits)
        elif not isinstance(shape.thing, Cluster):
            _mark(whole, shape, shape.thing.kind, dim=shown.lit)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _document(size: Size, title: str) -> ElementTree.Element:
    wide, high = (number(2 * _MARGIN + side) for side in size)
    root = ElementTree.Element("svg", {"xmlns": _NAMESPACE, "role": "img", "class": "fsm-graph"})
    root.attrib |= {"width": wide, "height": high}
    root.attrib |= {"viewBox": f"{-_MARGIN} {-_MARGIN} {wide} {high}"}
    root.attrib |= {"font-family": _FONTS, "font-size": str(TEXT)}
    ElementTree.SubElement(root, "title").text = title or "?"
    ElementTree.SubElement(root, "style").text = _STYLE
    middle = size[0] / 2, size[1] / 2
    all_of_it = size[0] + 2 * _MARGIN, size[1] + 2 * _MARGIN
    _colored(_path(root, rounded(middle, all_of_it, 0)), fill="paper")
    return root


def _family(whole: ElementTree.Element, shape: Shape, cluster: Cluster) -> None:
    group = _group(whole, "cluster", as_label(cluster.name))
    _colored(_path(group, rounded(shape.middle, shape.size, 10)), fill="box", stroke="rim")
    top = shape.middle[1] - shape.size[1] / 2
    title = _text(group, (shape.middle[0], top + TITLE / 2 + 1), titled(cluster), NAME)
    _fit(title, BOLD * width(titled(cluster), NAME))


def _state(whole: ElementTree.Element, shape: Shape, node: Node, *, dim: bool) -> None:
    group = _group(whole, "node", "\n".join(map(as_label, filter(None, (node.doc, node.hint)))))
    fill, (wide, high) = safe(node.color), shape.size
    if around := glow(node):
        _colored(_path(group, rounded(shape.middle, (wide, high), 8 + around)), fill="glow")
        wide, high = wide - 2 * around, high - 2 * around
    stroke = "faint" if dim else "path" if node.current else "line"
    if node.final:
        _colored(_path(group, rounded(shape.middle, (wide, high), 11)), stroke=stroke)
        wide, high = wide - 6, high - 6
    body = _path(group, rounded(shape.middle, (wide, high), 8))
    body.set("fill", fill)
    _colored(body, fill="dim" if dim else "", stroke=stroke)
    if node.current:
        body.set("stroke-width", "4")
    notes = noted(node)
    x, y = shape.middle[0], shape.middle[1] - (LINE * NOTE * len(notes) + 2) / 2 * bool(notes)
    said = [_text(group, (x, y), as_label(node.name) or "?", NAME)]
    below = _group(group, "note", "") if notes else group
    for place, note in enumerate(notes):
        said.append(_text(below, (x, y + 4 + LINE * NOTE * (place + 1)), note, NOTE))
    for text in () if dim else said:
        text.set("fill", text_on(fill))
        del text.attrib["class"]


def _mark(whole: ElementTree.Element, shape: Shape, kind: str, *, dim: bool) -> None:
    group = _group(whole, kind, "where a run begins" if kind == "start" else "any of the family")
    body = _path(group, rounded(shape.middle, shape.size, shape.size[1] / 2))
    if kind == "start":
        _colored(body, fill="ink")
    else:
        _colored(body, stroke="faint" if dim else "line").set("stroke-dasharray", "4 2")
        _text(group, shape.middle, kind, TEXT)


def _arrow(whole: ElementTree.Element, arrow: Arrow, hue: str, stroke: float) -> None:
    said = "\n".join(map(as_label, arrow.edge.lines)) if arrow.edge else ""
    group = _group(whole, "edge", said)
    for road in arrow.roads:
        line = _colored(_path(group, curve(road)), stroke=hue)
        if stroke != 1:
            line.set("stroke-width", number(stroke))
        if road.tip:
            _colored(ElementTree.SubElement(group, "polygon", points=tip(road, stroke)), fill=hue)
    x, y = arrow.middle
    first = y - LINE * TEXT * (len(arrow.lines) - 1) / 2
    color = "path" if hue == "path" else "ink"
    for place, (event, rest) in enumerate(_told(arrow)):
        text = _text(group, (x, first + LINE * TEXT * place), event + rest, TEXT, color)
        if event:
            text.text, name = None, ElementTree.SubElement(text, "tspan", {"class": "event"})
            name.text, name.tail = event, rest


def _told(arrow: Arrow) -> Iterator[tuple[str, str]]:
    """Each line of a label, parted behind the name of the event that it begins with, if any.

    What a run did begins with its steps, and stands out anyway.
    """
    labels = arrow.edge.labels if arrow.edge else ()
    events = [as_label(label.event) for label in labels if not label.steps]
    for line in arrow.lines:
        found = next((event for event in events if event and line.startswith(event)), "")
        del events[: events.index(found) + 1 if found else 0]
        yield found, line[len(found) :]


def _hue(arrow: Arrow, shown: Graph) -> str:
    if _is_taken(arrow):
        return "path"
    return "faint" if shown.lit and arrow.edge is not None else "line"


def _stroke(arrow: Arrow, most: int) -> float:
    """How broad: of many runs, by how many went along here."""
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


def _path(within: ElementTree.Element, outline: str) -> ElementTree.Element:
    return ElementTree.SubElement(within, "path", {"d": outline, "fill": "none"})


def _text(
    within: ElementTree.Element, middle: Point, said: str, size: float, color: str = "ink"
) -> ElementTree.Element:
    x, y = number(middle[0]), number(middle[1] + 0.35 * size)  # half the height of a capital
    marks = {"x": x, "y": y, "text-anchor": "middle"}
    if size != TEXT:
        marks["font-size"] = str(size)
    element = ElementTree.SubElement(within, "text", marks)
    element.text = said
    _fit(element, width(said, size))
    return _colored(element, fill=color)


def _fit(text: ElementTree.Element, wide: float) -> None:
    """Let it take the room that it was given, in whichever font there is."""
    if wide:
        text.attrib |= {"textLength": number(wide), "lengthAdjust": "spacingAndGlyphs"}


def _colored(
    element: ElementTree.Element, *, fill: str = "", stroke: str = ""
) -> ElementTree.Element:
    """Color it: by attributes in the light, and by its class in the dark."""
    used = [(side, name) for side, name in (("fill", fill), ("stroke", stroke)) if name]
    for side, name in used:
        element.set(side, _PALETTE[name][0])
    element.set("class", " ".join(f"{side}-{name}" for side, name in used))
    return element
