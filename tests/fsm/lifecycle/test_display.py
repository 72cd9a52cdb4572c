"""Pictures: in f-strings and notebooks, paid for by who asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fsm import TaskRun, diagrams
from fsm.errors import InvalidArgument
from fsm.testing import HandClock


@pytest.fixture
def drawn(clock: HandClock) -> TaskRun:
    """A run that has moved."""
    made = TaskRun("load", clock=clock)
    made.start()
    return made


@pytest.mark.parametrize(
    ("form", "draw"),
    [("mermaid", diagrams.mermaid), ("dot", diagrams.dot), ("markdown", diagrams.table)],
)
def test_a_format_draws(form, draw, drawn):
    assert format(drawn, form) == draw(drawn)
    assert format(TaskRun.lifecycle, form) == draw(TaskRun)


def test_a_graph_shows_itself_too(drawn):
    shown = diagrams.graph(drawn)

    assert f"{shown:mermaid}" == f"{drawn:mermaid}"
    assert shown._repr_mimebundle_() | {"text/plain": ""} == drawn._repr_mimebundle_() | {
        "text/plain": ""
    }
    assert repr(shown) == f"<graph 'TaskRun load': 20 states, {len(shown.edges)} edges>"


def test_without_a_format_it_is_its_str(drawn):
    assert f"{drawn}" == str(drawn)


def test_an_unknown_format_is_refused(drawn):
    with pytest.raises(InvalidArgument, match="mermaid, dot, svg, markdown, not 'pdf'"):
        format(drawn, "pdf")


def test_a_notebook_shows_svg(drawn):
    pytest.importorskip("pygraphviz")

    shown = drawn._repr_mimebundle_(include=None, exclude=None)

    assert shown == {"text/plain": repr(drawn), "image/svg+xml": drawn._repr_svg_()}
    assert f"{drawn:svg}" == drawn._repr_svg_()


def test_without_its_extra_a_notebook_shows_mermaid(drawn, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    assert drawn._repr_svg_() is None
    assert drawn._repr_mimebundle_() == {
        "text/plain": repr(drawn),
        "text/vnd.mermaid": diagrams.mermaid(drawn),
    }


def test_who_draws_nothing_does_not_pay():
    code = "import fsm, sys; f'{fsm.TaskRun()}'; sys.exit('fsm.diagrams' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
