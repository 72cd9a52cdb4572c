"""SVG: drawn by Graphviz, kept by a list."""

from __future__ import annotations

import sys
import threading
from xml.etree import ElementTree

import pytest

from fsm import TaskRun
from fsm.diagrams import graph, inheritance, svg
from fsm.diagrams.plain import plain
from fsm.diagrams.svg import _ATTRIBUTES, _ELEMENTS
from fsm.errors import LifecycleError, MissingExtra

from .conftest import HOSTILE, lifecycle_of


def test_without_its_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    with pytest.raises(MissingExtra, match=r"pip install 'runstates\[diagrams\]'") as caught:
        svg(TaskRun)

    assert isinstance(caught.value, LifecycleError)


class TestDrawn:
    """What Graphviz draws."""

    @pytest.fixture(autouse=True)
    def graphviz(self) -> None:
        pytest.importorskip("pygraphviz")

    def test_each_state_is_named(self) -> None:
        root = ElementTree.fromstring(svg(TaskRun))

        texts = {text.text for text in root.findall(".//{*}text")}

        assert {node.name for node in graph(TaskRun).nodes} <= texts

    def test_each_state_explains_itself(self) -> None:
        root = ElementTree.fromstring(svg(TaskRun))

        titles = {title.text for title in root.findall(".//{*}title")}

        assert "Waiting to be started: how every run begins." in titles

    def test_a_run_is_drawn(self, run: TaskRun) -> None:
        assert "succeed" in svg(run)

    def test_labels_lie_above_all_arrows(self, run: TaskRun) -> None:
        (drawn,) = ElementTree.fromstring(svg(run)).findall("{*}g")

        parts = [part for part in drawn if part.get("class") == "edge"]
        labelled = [bool(part.findall(".//{*}text")) for part in parts]

        assert any(labelled)
        assert labelled == sorted(labelled)
        assert not any(part.findall(".//{*}path") for part in parts if part.findall(".//{*}text"))

    def test_inheritance_is_drawn(self) -> None:
        assert "ValidationFailed" in svg(inheritance(), direction="LR")

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_only_text(self, text: str) -> None:
        root = ElementTree.fromstring(svg(lifecycle_of(text)))

        for element in root.iter():
            assert element.tag.rpartition("}")[2] in {*_ELEMENTS, "style"}
            assert set(element.attrib) <= {*_ATTRIBUTES, "role"}
        assert len(root.findall(".//{*}style")) == 1

    @pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 200])
    def test_hostile_text_is_shown_as_it_is(self, text: str) -> None:
        root = ElementTree.fromstring(svg(lifecycle_of(text)))

        shown = {plain(element.text or "") for element in root.findall(".//{*}text")}

        assert (plain(lifecycle_of(text).lifecycle.nodes[1].__name__) or "?") in shown

    def test_threads_may_draw_at_once(self) -> None:
        drawn: list[str] = []
        threads = [threading.Thread(target=lambda: drawn.append(svg(TaskRun))) for _ in range(4)]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(drawn) == 4
        assert len(set(drawn)) == 1
