"""SVG: a graph drawn by Graphviz, which the wheels of pygraphviz carry (extra `diagrams`).

What Graphviz writes is read again and only what is on a list is kept: shapes, text and titles,
no links and no scripts. It needs nothing from outside, and reads in the light and in the dark.
"""

from __future__ import annotations

import threading
from typing import Any
from xml.etree import ElementTree

from fsm.errors import MissingExtra

from .dot import FAINT, INK, PATH, dot
from .drawing import Target

__all__ = ["svg"]

_NAMESPACE = "http://www.w3.org/2000/svg"
_TITLE = "{http://www.w3.org/1999/xlink}title"
_ELEMENTS = {"svg", "g", "title", "polygon", "polyline", "path", "ellipse", "text"}
_ATTRIBUTES = {
    "class", "cx", "cy", "d", "fill", "fill-opacity", "font-family", "font-size", "height", "id",
    "points", "rx", "ry", "stroke", "stroke-dasharray", "stroke-opacity", "stroke-width",
    "text-anchor", "transform", "viewBox", "width", "x", "y",
}  # fmt: skip
_PAPER = "#fefefe"  # its own, so that a page of the other kind leaves it legible
_LIGHTER = {INK: "#adbac7", PATH: "#f778ba", FAINT: "#444c56", _PAPER: "#0d1117"}
# An arrow that must cross a label or the name of a family passes behind it.
_HALO = (
    ".edge text, .cluster text {{ paint-order: stroke; stroke: {}; "
    "stroke-width: 5px; stroke-linejoin: round }}"
)
_STYLE = _HALO.format(_PAPER) + " @media (prefers-color-scheme: dark) {{ {} }}".format(
    " ".join(
        f'[fill="{dark}"] {{ fill: {light} }} [stroke="{dark}"] {{ stroke: {light} }}'
        for dark, light in _LIGHTER.items()
    )
    + " "
    + _HALO.format(_LIGHTER[_PAPER])
)

_drawing = threading.Lock()  # Graphviz is one for the process, and not safe under threads


def svg(target: Target, *, direction: str = "TB") -> str:
    """Draw *target* as an SVG document.

    Args:
        target: What `graph` takes.
        direction: Where the arrows mostly point: `TB` or `LR`.

    Raises:
        MissingExtra: pygraphviz is not installed.
        InvalidArgument: It cannot be drawn.
    """
    text = dot(target, direction=direction)
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtra("drawing SVG", "diagrams") from error
    with _drawing:
        shown: Any = pygraphviz.AGraph(string=text)
        shown.graph_attr["bgcolor"] = _PAPER
        drawn: Any = shown.draw(format="svg", prog="dot")
    root = _kept(ElementTree.fromstring(drawn))
    for side in ("width", "height"):  # as many pixels as points, to fit a screen
        root.set(side, root.get(side, "").removesuffix("pt"))
    for graph in root.findall("g"):
        graph.extend(_labels(graph))
    style = ElementTree.Element("style")
    style.text = _STYLE
    root.insert(0, style)
    root.set("xmlns", _NAMESPACE)
    root.set("role", "img")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _kept(element: ElementTree.Element) -> ElementTree.Element:
    """Copy what is on the list. Graphviz puts tooltips on links: they become titles."""
    copy = ElementTree.Element(_name(element))
    copy.attrib = {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES}
    copy.text = element.text if copy.tag in {"text", "title"} else "\n"
    copy.tail = "\n"
    for child in element:
        copy.extend(_unlinked(child))
    hints = [hint for link in element.iterfind("./{*}g/{*}a") if (hint := link.get(_TITLE))]
    for title in copy.findall("title"):
        if copy.get("class") != "graph":  # named by their place in the DOT text
            title.text = hints[0] if hints else copy.findtext("text", "")
    return copy


def _labels(graph: ElementTree.Element) -> list[ElementTree.Element]:
    """Take the labels of arrows and families out, to be drawn above all arrows."""
    labels = []
    for part in graph.findall("g"):
        texts = [each for each in part if each.tag == "text" or each.find("text") is not None]
        if texts and part.get("class") in ("edge", "cluster"):
            label = ElementTree.Element("g", {"class": part.get("class", "")})
            label.extend([*part.findall("title"), *texts])
            labels.append(label)
            for text in texts:
                part.remove(text)
    return labels


def _unlinked(element: ElementTree.Element) -> list[ElementTree.Element]:
    if _name(element) == "a":
        return [kept for child in element for kept in _unlinked(child)]
    return [_kept(element)] if _name(element) in _ELEMENTS else []


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
