"""Ten thousand hostile strings through every renderer: each is shown, none is read as markup."""

from __future__ import annotations

import html
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from fsm import Run, TaskRun
from fsm.diagrams import StateGraph, chart, dot, gantt, graph, mermaid, svg, table
from fsm.diagrams.color import as_hex
from fsm.diagrams.mermaid_source import escape_mermaid
from fsm.diagrams.timeline.console import timeline
from fsm.errors import LifecycleError
from fsm.explain import StoryEntry
from fsm.explain.narrator import narrate
from fsm.journal import LateResult
from fsm.lifecycle.refusal import Refusal
from fsm.testing import HandClock
from fsm.text import as_label
from states import StateError

from ...hostile import STRINGS, batches, boxes_of, graph_of, history_of
from .conftest import lifecycle_of

# What each SVG of ours is made of.
ELEMENTS = {
    "svg", "style", "g", "title", "text", "tspan", "rect", "circle", "ellipse", "line", "path",
    "polygon", "polyline",
}  # fmt: skip
# Attributes that fetch, link, style or run something are none of ours.
ATTRIBUTE = re.compile(r"(?!on|href|src|style)[a-zA-Z][a-zA-Z-]*[0-9]?")
TEXT = r"(?:[A-Za-z0-9 ,()\[\]_]|[^\x00-\x7f]|[#]\d+;)*"
MERMAID = re.compile(
    rf"""stateDiagram-v2|\s+(?:
    direction\ TB
    |state\ "(?!"){TEXT}"\ as\ [a-z0-9]+(?:\ \{{)?
    |\}}
    |(?:\[\*\]|[a-z0-9]+)\ -->\ (?:\[\*\]|[a-z0-9]+)(?:\ :\ {TEXT}(?:<br/>{TEXT})*)?
    |classDef\ s\d+\ fill:\#[0-9a-f]{{6}},color:\#[0-9a-f]{{6}}
    |class\ s\d+\ s\d+
    )""",
    re.VERBOSE,
)
GANTT = re.compile(
    rf"gantt|    (?:dateFormat x|axisFormat [%HMSmd: -]+|section (?:{TEXT})"
    rf"|\d+ (?:{TEXT}|\?) :(?:done|active|crit|milestone), \d+, \d+|section \?)"
)
anything = st.text(st.characters(), max_size=60) | st.sampled_from(STRINGS)


def test_there_are_ten_thousand_strings() -> None:
    assert len(set(STRINGS)) == 10_000


def test_a_text_stays_in_its_line_of_mermaid() -> None:
    for texts in batches(25):
        for shown in (graph_of(texts), boxes_of(texts)):
            lines = mermaid(shown).splitlines()

            assert [line for line in lines if not MERMAID.fullmatch(line)] == []
            assert sum(" --> " in line for line in lines) == len(shown.edges)


def test_a_text_stays_in_its_line_of_a_gantt() -> None:
    for texts in batches(40):
        lines = gantt(map(history_of, texts, range(40))).splitlines()

        assert [line for line in lines if not GANTT.fullmatch(line.replace("?", "x"))] == []
        assert sum(line.startswith("    section ") for line in lines) == len(texts)


def test_each_section_of_a_gantt_has_a_title_of_its_own() -> None:
    texts = ["10", "2", "", "a", "a", "a (2)", "\u200b", "__proto__", *STRINGS[:32]]

    titles = re.findall(r"(?m)^    section (.*)$", gantt(map(history_of, texts, range(40))))

    assert len(set(titles)) == len(titles) == 40
    assert not any(title.isdigit() for title in titles)


def test_no_text_is_a_keyword_of_mermaid() -> None:
    for text in STRINGS:
        check_escaped(text)


@given(text=anything)
def test_no_generated_text_is_a_keyword_of_mermaid(text: str) -> None:
    check_escaped(text)


def test_a_text_stays_in_its_string_of_dot() -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    for texts in batches(250):
        shown = graph_of(texts)

        read = pygraphviz.AGraph(string=dot(shown))

        assert sorted(read.nodes(), key=place) == [f"n{number}" for number in range(len(texts))]
        assert Counter(read_back(node.attr["label"]) for node in read.nodes()) == Counter(
            as_label(text) or "?" for text in texts
        )
        assert Counter(
            remove_spaces(read_back(edge.attr["label"])) for edge in read.edges()
        ) == Counter(remove_spaces(as_label(text)) for text in texts)
        assert {node.attr["fillcolor"] for node in read.nodes()} == {as_hex(text) for text in texts}


def test_a_box_of_dot_has_its_text_as_label() -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    for texts in batches(25):
        read = pygraphviz.AGraph(string=dot(boxes_of(texts)))

        names = Counter(read_back(box.graph_attr["label"]) for box in read.subgraphs())
        assert names == Counter(map(as_label, texts))


def test_a_text_is_only_text_in_svg() -> None:
    pytest.importorskip("pygraphviz")
    for texts in batches(500):
        nodes = graph_of(texts).nodes
        root = ElementTree.fromstring(svg(StateGraph(texts[0], nodes, (), ())))

        check_svg(root)
        found = {remove_spaces(each.text or "") for each in root.iterfind(".//{*}text")}
        assert {
            remove_spaces(as_label(text)) for text in texts if len(as_label(text)) < 24
        } <= found | {""}


def test_a_text_is_only_text_in_a_chart() -> None:
    for texts in batches(60):
        root = ElementTree.fromstring(chart(map(history_of, texts, range(60))))

        check_svg(root)
        found = [title.text or "" for title in root.iterfind("./{*}g/{*}title")]
        assert [each.rsplit(" ", 2)[0] for each in found] == [
            f"{as_label(text)}: {as_label(text)}" for text in texts
        ]


def test_a_text_is_one_cell_of_a_table() -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for texts in batches(250):
        run = TaskRun("r", clock=HandClock(), max_retries=len(texts))
        for fire, text in zip(cycle((run.start, run.fail, run.retry)), texts):
            fire(message=text)

        cells = list(read_cells(reader, table(run)))

        assert len(cells) == 6 * (1 + len(texts))
        assert cells[11::6] == list(map(as_label, texts))


def test_a_text_neither_styles_nor_commands_a_terminal() -> None:
    screen = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=120, markup=True
    )
    for texts in batches(200):
        screen.print(timeline(map(history_of, texts, range(len(texts)))))
        written = screen.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
        screen.file.seek(0)
        screen.file.truncate()

        rest = re.sub(r"\x1b\[[0-9;]*m", "", written)
        assert all(line.isprintable() for line in rest.split("\n"))
        lines = rest.split("\n")[1 : len(texts) + 1]
        assert [line[:3].strip() for line in lines] == [
            as_label(text)[:3].strip() for text in texts
        ]


def test_a_text_is_one_line_of_a_story() -> None:
    for texts in batches(250):
        moves = [
            StoryEntry(seq, text, text, text, seq, text, None, seq, text, text, None, text)
            for seq, text in enumerate(texts, 1)
        ]
        late = [
            LateResult(text, seq, text, text, text, seq, text, seq, text, text)
            for seq, text in enumerate(texts, 1)
        ]

        refusals = [
            Refusal(text, seq, text, text, seq, text, text) for seq, text in enumerate(texts, 1)
        ]

        lines = list(narrate(moves, None, dict(enumerate(texts, 1)), late, refusals))

        assert len(lines) == 3 * len(texts)
        assert all(str(line).isprintable() and line.event.isprintable() for line in lines)
        assert all(len(line.text) < 2_000 for line in lines)


@given(text=anything)
def test_a_lifecycle_with_any_names_is_drawn_or_refused(text: str) -> None:
    """Not every text is a name that a class or an event can have."""
    hostile = try_lifecycle_of(text)
    if hostile is None:
        return

    expanded = {arrow[::3] for arrow in graph(hostile).expand()}

    assert expanded == {
        (edge.source.__name__, edge.dest.__name__) for edge in hostile.lifecycle.edges
    }
    assert all(MERMAID.fullmatch(line) for line in mermaid(hostile).splitlines())


def try_lifecycle_of(text: str) -> type[Run] | None:
    try:
        return lifecycle_of(text)
    except (LifecycleError, StateError):
        return None


def check_escaped(text: str) -> None:
    written = escape_mermaid(text)
    assert re.fullmatch(TEXT, written)
    assert not re.search(r"(?i)direction|\[\[|\]\]|\ufb02°|¶ß", written)


def check_svg(root: ElementTree.Element) -> None:
    """Look at each element and attribute. ElementTree has taken every text out of its markup."""
    for element in root.iter():
        assert element.tag.rpartition("}")[2] in ELEMENTS
        for name, value in element.attrib.items():
            assert ATTRIBUTE.fullmatch(name)
            assert not re.search(r"(?i)javascript|url\(|import|[<>&\"]", value)


def read_back(text: str) -> str:
    """What Graphviz shows for a string: it knows backslashes and entities."""
    return html.unescape(
        re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
    )


def remove_spaces(text: str) -> str:
    return "".join(text.split())


def place(name: str) -> int:
    return int(name[1:])


def read_cells(reader: MarkdownIt, text: str) -> Iterator[str]:
    """The cells of the one table that *text* is, as a reader of Markdown sees them."""
    tokens = reader.parse(text)
    assert [token.type for token in tokens].count("table_open") == 1
    assert (tokens[0].type, tokens[-1].type) == ("table_open", "table_close")
    for token in tokens:
        if token.type == "inline":
            parts: Sequence[Any] = token.children or ()
            assert {part.type for part in parts} <= {"text", "text_special"}
            yield "".join(part.content for part in parts)
