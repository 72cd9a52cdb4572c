"""The README's code runs, and what it prints from the code is what the code prints."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from fsm import TaskRun
from fsm.diagrams import mermaid

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def text():
    return README.read_text(encoding="utf-8")


def between(text: str, name: str) -> str:
    found = re.search(rf"<!-- {name}:.*?-->\n(.*?)<!-- /{name} -->", text, re.S)
    assert found, f"README.md has no block called {name}"
    return found.group(1).strip()


def exits() -> str:
    lifecycle = TaskRun.lifecycle
    rows = dict.fromkeys(
        f"- `{edge.source.__name__}` → `{edge.dest.__name__}` by `{edge.event}`"
        for edge in lifecycle.edges
        if edge.source().is_finished()
    )
    return "\n".join(rows)


def test_its_code_runs(text):
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    found = doctest.DocTestParser().get_doctest(blocks, {}, "README.md", str(README), 0)
    report: list[str] = []

    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(found, out=report.append)

    assert runner.summarize(verbose=False).attempted > 20
    assert "".join(report) == ""


def test_its_list_of_ways_out_of_a_finished_state_is_complete(text):
    assert between(text, "exits") == exits()


def test_its_lifecycle_is_the_one_the_code_draws(text):
    assert between(text, "lifecycle") == f"```mermaid\n{mermaid(TaskRun).strip()}\n```"
