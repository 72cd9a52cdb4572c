"""The content of SVG documents. What they look like is tested in tests/browser."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from xml.etree import ElementTree

import pytest

from fsm import TaskRun
from fsm.diagrams import graph, inheritance, svg
from fsm.diagrams.graph_model import GraphEdge, GraphNode, Label, StateGraph
from fsm.diagrams.svg_drawing.fonts import text_width
from fsm.errors import LifecycleError, MissingExtra
from fsm.text import as_label

from ..conftest import HOSTILE, lifecycle_of

ELEMENTS = {"svg", "style", "g", "title", "path", "polygon", "text", "tspan"}
ATTRIBUTES = {
    "class", "d", "fill", "font-family", "font-size", "height", "lengthAdjust",
    "points", "role", "stroke", "stroke-dasharray", "stroke-width", "text-anchor", "textLength",
    "viewBox", "width", "x", "y",
}  # fmt: skip


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    with pytest.raises(MissingExtra, match=r"pip install 'runstates\[diagrams\]'") as caught:
        svg(TaskRun)

    assert isinstance(caught.value, LifecycleError)


class TestDrawn:
    """With Graphviz."""

    @pytest.fixture(autouse=True)
    def graphviz(self) -> None:
        pytest.importorskip("pygraphviz")

    def test_each_state_is_named(self) -> None:
        root = ElementTree.fromstring(svg(TaskRun))

        texts = {text.text for text in root.findall(".//{*}text")}

        assert {node.name for node in graph(TaskRun).nodes} <= texts

    def test_each_state_has_its_docstring_as_tooltip(self) -> None:
        root = ElementTree.fromstring(svg(TaskRun))

        titles = {title.text for title in root.findall(".//{*}title")}

        assert "The run waits to be started; every run begins so." in titles

    def test_the_document_has_a_title(self, run: TaskRun) -> None:
        root = ElementTree.fromstring(svg(run))

        assert (root.get("role"), root.findtext("{*}title")) == ("img", f"TaskRun {run.id}")

    def test_text_is_stretched_to_its_reserved_width(self) -> None:
        texts = ElementTree.fromstring(svg(TaskRun)).findall(".//{*}text")

        fitted = {text.text or "": float(text.get("textLength", 0)) for text in texts}

        assert fitted["Running"] == pytest.approx(text_width("Running", 13), abs=0.1)
        assert all(fitted.values())

    def test_a_run_is_drawn(self, run: TaskRun) -> None:
        assert "succeed" in svg(run)

    def test_a_label_and_its_arrow_are_one_group(self, run: TaskRun) -> None:
        parts = ElementTree.fromstring(svg(run)).findall(".//{*}g[@class='edge']")

        labelled = [part for part in parts if part.findall("{*}text")]

        assert len(labelled) == len(graph(run).path().edges)
        assert all(len(part.findall("{*}path")) == 2 for part in labelled)

    def test_each_edge_has_its_label_as_tooltip(self) -> None:
        parts = ElementTree.fromstring(svg(TaskRun)).findall(".//{*}g[@class='edge']")

        titles = sorted(part.findtext("{*}title", "") for part in parts)

        assert titles == sorted(["", *("\n".join(edge.lines) for edge in graph(TaskRun).edges)])

    def test_each_event_of_a_label_is_bold(self) -> None:
        parts = ElementTree.fromstring(svg(TaskRun)).findall(".//{*}g[@class='edge']")

        names = Counter(name.text for part in parts for name in part.iterfind(".//{*}tspan"))

        assert names == Counter(
            label.event for edge in graph(TaskRun).edges for label in edge.labels
        )

    def test_the_lines_of_a_label_are_its_whole_text(self) -> None:
        parts = ElementTree.fromstring(svg(TaskRun)).findall(".//{*}g[@class='edge']")

        for part in parts:
            text = " ".join("".join(text.itertext()) for text in part.findall("{*}text"))
            assert text.split() == part.findtext("{*}title", "").split()

    def test_edges_that_a_run_did_not_take_have_a_tooltip_only(self, run: TaskRun) -> None:
        parts = ElementTree.fromstring(svg(run)).findall(".//{*}g[@class='edge']")

        silent = {part.findtext("{*}title", "") for part in parts if not part.findall("{*}text")}

        assert any("fail_validation" in title for title in silent)

    def test_each_state_is_drawn_once(self, run: TaskRun) -> None:
        for target in (TaskRun, run):
            parts = ElementTree.fromstring(svg(target)).findall(".//{*}g[@class='node']")

            names = sorted(part.findtext("{*}text", "") for part in parts)

            assert names == sorted(node.name for node in graph(target).nodes)

    def test_the_same_graph_gives_the_same_document(self, run: TaskRun) -> None:
        assert svg(run) == svg(run)

    def test_a_hundred_states_are_drawn(self) -> None:
        nodes = tuple(GraphNode(f"State{place}", initial=not place) for place in range(100))
        edges = tuple(
            GraphEdge(node, nodes[place * step % 100], (Label("go"),))
            for place, node in enumerate(nodes)
            for step in (3, 7)
        )

        root = ElementTree.fromstring(svg(StateGraph("many", nodes, (), edges)))

        assert len(root.findall(".//{*}g[@class='node']")) == 100

    def test_inheritance_is_drawn(self) -> None:
        assert "ValidationFailed" in svg(inheritance(), direction="LR")

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_only_text(self, text: str) -> None:
        root = ElementTree.fromstring(svg(lifecycle_of(text)))

        for element in root.iter():
            assert element.tag.rpartition("}")[2] in ELEMENTS
            assert set(element.attrib) <= ATTRIBUTES
        assert len(root.findall(".//{*}style")) == 1

    @pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 200])
    def test_hostile_text_is_shown_unchanged(self, text: str) -> None:
        root = ElementTree.fromstring(svg(lifecycle_of(text)))

        shown = {as_label(element.text or "") for element in root.findall(".//{*}text")}

        assert (as_label(lifecycle_of(text).lifecycle.nodes[1].__name__) or "?") in shown

    def test_several_threads_can_draw_at_once(self) -> None:
        drawn: list[str] = []
        threads = [threading.Thread(target=lambda: drawn.append(svg(TaskRun))) for _ in range(4)]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(drawn) == 4
        assert len(set(drawn)) == 1
