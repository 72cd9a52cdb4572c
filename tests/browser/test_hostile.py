"""Ten thousand hostile strings through Mermaid itself: each is shown, and none is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from fsm.diagrams import StateGraph, gantt, mermaid
from fsm.text import as_label

from ..hostile import batches, boxes_of, graph_of, history_of
from .mermaid_page import MermaidPage, Reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module", params=["strict", "loose"])
def page(
    browser: Browser, mermaid_js: Path, request: pytest.FixtureRequest
) -> Iterator[MermaidPage]:
    """Mermaid as GitHub has it, and as those do who trust their texts."""
    page = MermaidPage(browser, mermaid_js, request.param)
    yield page
    assert page.close() == []


def shown(text: str) -> str:
    """What is to be seen of a text. Mermaid cannot show the marks that it uses itself."""
    return " ".join(as_label(text).replace("\ufb02°", "fl°").replace("¶ß", "¶ ß").split())


def packed(text: str) -> str:
    """Without spaces: a label may break anywhere."""
    return "".join(text.split())


def shared(page: MermaidPage, every: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Every other one: Mermaid takes its time, and what this page leaves out the other is shown."""
    return islice(every, int(page.level == "loose"), None, 2)


def told(read: Reading) -> Counter[tuple[str, str, str]]:
    """The edges by the names of their ends, but for those from the beginning or to the end."""
    return Counter(
        (read.names[source], read.names[dest], packed(text))
        for source, dest, text in read.edges
        if not source.endswith("_start") and not dest.endswith("_end")
    )


def expected(graph: StateGraph) -> Counter[tuple[str, str, str]]:
    """The edges of *graph* as they are to be seen."""
    return Counter(
        (
            "any" if edge.inner else shown(edge.source.name) or "?",
            shown(edge.dest.name) or "?",
            packed("".join(map(shown, edge.lines))),
        )
        for edge in graph.edges
    )


def titled(names: list[str]) -> Iterator[str]:
    """The names, and a number behind those that were there before."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def test_a_text_names_a_state_and_an_event(page: MermaidPage) -> None:
    for texts in shared(page, batches(100)):
        graph = graph_of(texts)

        read = page.read(mermaid(graph))

        assert Counter(read.names.values()) == Counter(shown(text) or "?" for text in texts)
        assert told(read) == expected(graph)


def test_a_text_names_a_box_and_a_guard(page: MermaidPage) -> None:
    for texts in shared(page, batches(20)):
        graph = boxes_of(texts)

        read = page.read(mermaid(graph))

        assert told(read) == expected(graph)


def test_a_text_is_drawn_as_text(page: MermaidPage) -> None:
    for texts in shared(page, batches(200)):
        graph = graph_of(texts, labels=10)

        drawn = page.draw(mermaid(graph))

        assert drawn.foreign == []
        assert Counter(drawn.names.values()) == Counter(shown(text) or "?" for text in texts)
        labels = Counter(label for *_, label in expected(graph) if label)
        assert Counter(map(packed, drawn.labels)) == labels
        assert drawn.paths == len(graph.edges)


def test_a_text_is_drawn_as_text_above_and_in_a_note(page: MermaidPage) -> None:
    for texts in shared(page, batches(200)):
        bare = graph_of(texts)
        noted = tuple(attrs.evolve(node, notes=(node.name, "2 now")) for node in bare.nodes)

        drawn = page.draw(mermaid(StateGraph("noted", noted, (), ())))

        assert drawn.foreign == []
        assert Counter(map(packed, drawn.names.values())) == Counter(
            packed(f"{shown(text) or '?'}{shown(text)}2now") for text in texts
        )


def test_a_text_is_drawn_over_time(page: MermaidPage) -> None:
    for texts in shared(page, batches(40)):
        names = [shown(text) or "?" for text in texts]

        drawn = page.schedule(gantt(map(history_of, texts, range(len(texts)))))

        assert drawn.foreign == []
        assert drawn.sections == list(titled(names))
        assert sorted(drawn.tasks) == sorted(
            f"{number} {name}" for name in names for number in (1, 2)
        )
        assert drawn.bars == 2 * len(texts)
