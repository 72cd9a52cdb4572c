"""Mermaid page: what Mermaid itself reads in a text, and what it draws of it."""

from __future__ import annotations

import html
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["Drawing", "MermaidPage", "Reading", "Schedule"]

# Mermaid's own limits are asked of texts that a person would draw; see `limited`.
_BEGIN = """([level, dark, limited]) => mermaid.initialize({
    startOnLoad: false, securityLevel: level, theme: dark ? "dark" : "default",
    ...(limited ? {} : {maxTextSize: 1e8, maxEdges: 1e6}),
})"""
_READ = """async text => {
    const {db} = await mermaid.mermaidAPI.getDiagramFromText(text);
    const {nodes, edges} = db.getData();
    return {
        names: Object.fromEntries(nodes.map(node => [node.id, node.label ?? ""])),
        edges: edges.map(edge => [edge.start, edge.end, edge.label ?? ""]),
    };
}"""
_DRAW = """async text => {
    const drawn = await mermaid.render("drawn", text);
    const place = document.getElementById("place");
    place.innerHTML = drawn.svg;
    const all = [...place.querySelectorAll("*")];
    const marks = element => [...element.attributes].filter(({name, value}) =>
        /^on|href|^src/i.test(name) || /javascript:|url\\((?!["']?#)|@import/i.test(value));
    return {place, foreign: [
        ...all.map(element => element.tagName).filter(tag => !OURS.includes(tag)),
        ...all.flatMap(marks).map(({name, value}) => `${name}=${value}`),
    ]};
}"""
_OURS = """["svg", "style", "g", "defs", "marker", "path", "rect", "circle", "line", "text",
    "tspan", "filter", "feDropShadow", "linearGradient", "stop", "foreignObject", "DIV", "SPAN",
    "P", "BR"]"""
_TEXT = """element => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("br").forEach(line => line.replaceWith(" "));
    return copy.textContent;
}"""
_PICTURE = f"""async text => {{
    const OURS = {_OURS}, said = {_TEXT};
    const {{place, foreign}} = await ({_DRAW})(text);
    const names = {{}};
    for (const node of place.querySelectorAll("g.node")) {{
        const label = node.querySelector(".nodeLabel");
        names[node.id.match(/^drawn-state-(.+)-\\d+$/)[1]] = label ? said(label) : "";
    }}
    for (const box of place.querySelectorAll("g.statediagram-cluster"))
        names[box.dataset.id] = said(box.querySelector(".cluster-label"));
    return {{
        names, foreign, paths: place.querySelectorAll("path.transition").length,
        labels: [...place.querySelectorAll("g.edgeLabel > g.label")].map(said),
    }};
}}"""
_BOXES = """() => {
    const box = (element, kind) => {
        const {left, top, right, bottom} = element.getBoundingClientRect();
        return {kind, said: element.textContent, left, top, right, bottom};
    };
    const all = (query, kind) => [...document.querySelectorAll(`#range ${query}`)]
        .filter(found => found.textContent.trim()).map(found => box(found, kind));
    return [...all("g.edgeLabel foreignObject", "label"), ...all("g.node", "state"),
        ...all("g.cluster-label", "title")];
}"""
_CLIPPED = """() => [...document.querySelectorAll("#range foreignObject")].filter(frame => {
    const text = document.createRange();
    text.selectNodeContents(frame);
    const inner = text.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    return inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
}).map(frame => frame.textContent)"""
_SCHEDULE = f"""async text => {{
    const OURS = {_OURS};
    const {{place, foreign}} = await ({_DRAW})(text);
    const said = query => [...place.querySelectorAll(query)].map(found => found.textContent);
    return {{
        foreign, sections: said(".sectionTitle"), tasks: said("[class*=taskText]"),
        bars: place.querySelectorAll("rect.task").length,
    }};
}}"""


@attrs.frozen
class Reading:
    """A state diagram as Mermaid understands it: the texts of states and boxes by id, its edges."""

    names: dict[str, str]
    edges: list[tuple[str, str, str]]


@attrs.frozen
class Drawing:
    """A state diagram as it is to be seen."""

    names: dict[str, str]
    labels: list[str]
    paths: int  # how many arrows there are
    foreign: list[str]  # elements and attributes that no diagram needs


@attrs.frozen
class Schedule:
    """A gantt: the texts beside and on its bars."""

    sections: list[str]
    tasks: list[str]
    bars: int
    foreign: list[str]


class MermaidPage:
    """A page with Mermaid and nothing else. It knows what it must never see."""

    def __init__(
        self,
        browser: Browser,
        script: Path,
        level: str = "strict",
        *,
        dark: bool = False,
        limited: bool = False,
    ) -> None:
        self.level = level
        self.context = browser.new_context(
            viewport={"width": 1200, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page = self.context.new_page()
        self.alarms: list[str] = []
        self.page.on("dialog", self._asked)
        self.page.on("request", lambda request: self.alarms.append(f"asked for {request.url}"))
        self.page.on("pageerror", lambda error: self.alarms.append(f"raised {error}"))
        self.page.set_content('<div id="place"></div>')
        self.page.add_script_tag(path=script)
        self.page.evaluate(_BEGIN, [level, dark, limited])

    def _asked(self, dialog: Any) -> None:
        self.alarms.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def read(self, text: str) -> Reading:
        """What Mermaid understands, without drawing it."""
        found = self.page.evaluate(_READ, text)
        return Reading(
            {name: _decoded(said) for name, said in found["names"].items()},
            [(source, dest, _decoded(said)) for source, dest, said in found["edges"]],
        )

    def draw(self, text: str) -> Drawing:
        """What Mermaid draws."""
        found = self.page.evaluate(_PICTURE, text)
        names = {name: _spaced(said) for name, said in found["names"].items()}
        labels = [said for each in found["labels"] if (said := _spaced(each))]
        return Drawing(names, labels, found["paths"], found["foreign"])

    def clipped(self) -> list[str]:
        """Texts of the last drawing that are larger than the room that Mermaid gave them."""
        found: list[str] = self.page.evaluate(_CLIPPED)
        return found

    def overlapping(self) -> list[tuple[str, str]]:
        """Labels of the last drawing that lie on one another, on a state or on a title."""
        boxes: list[dict[str, Any]] = self.page.evaluate(_BOXES)
        return [
            (one["said"], other["said"])
            for one, other in combinations(boxes, 2)
            if one["left"] < other["right"] and other["left"] < one["right"]
            if one["top"] < other["bottom"] and other["top"] < one["bottom"]
        ]

    def schedule(self, text: str) -> Schedule:
        """What Mermaid draws of a gantt."""
        found = self.page.evaluate(_SCHEDULE, text)
        words = {
            key: [" ".join(each.split()) for each in found[key]] for key in ("sections", "tasks")
        }
        return Schedule(words["sections"], words["tasks"], found["bars"], found["foreign"])

    def close(self) -> list[str]:
        """Close it, and return what it should not have done."""
        if self.page.evaluate("window.__hit") is not None:
            self.alarms.append("a script ran")
        self.context.close()
        return self.alarms


def _decoded(text: str) -> str:
    """Mermaid's data has a form of its own for `#60;`, and its lines as they are drawn."""
    text = text.replace("<br>", " ")
    for mark, meant in (("\ufb02°°", "&#"), ("\ufb02°", "&"), ("¶ß", ";")):
        text = text.replace(mark, meant)
    return _spaced(html.unescape(text))


def _spaced(text: str) -> str:
    return " ".join(text.split())
