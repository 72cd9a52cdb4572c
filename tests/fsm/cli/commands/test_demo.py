"""`fsm demo` as a command; the demo itself is tested in tests/fsm/demo."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from fsm.demo import EXECUTORS
from fsm.errors import MissingExtra

from ..conftest import Invoke


@pytest.fixture
def calls(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where a stand-in for the demo writes down what it was asked to do."""
    found: list[Any] = []

    def run_demo(
        directory: Path, console: Console, *, executor: str, fresh: bool, report: Any
    ) -> int:
        found.append((directory, executor, fresh))
        if directory.name == "without":
            raise MissingExtra("fsm demo", "demo")
        if directory.name == "stopped":
            raise KeyboardInterrupt
        console.print("40 runs")
        if report is not None:
            report({"demo": "demo-1"})
        return 1 if directory.name == "failing" else 0

    module = ModuleType("fsm.demo")
    monkeypatch.setattr(module, "run_demo", run_demo, raising=False)
    monkeypatch.setitem(sys.modules, "fsm.demo", module)
    return found


def test_the_demo_gets_its_directory(calls: list[Any], fsm: Invoke) -> None:
    assert fsm("demo").exit_code == 0
    assert fsm("demo", "--directory", "elsewhere", "--reset").exit_code == 0

    assert calls == [(Path("fsm-demo"), "thread", False), (Path("elsewhere"), "thread", True)]


def test_json_has_the_verdict_and_stderr_the_rest(calls: list[Any], fsm: Invoke) -> None:
    result = fsm("demo", "--json")

    assert json.loads(result.stdout) == {"demo": "demo-1"}
    assert result.stderr == "40 runs\n"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_demo_gets_its_executor(executor: str, calls: list[Any], fsm: Invoke) -> None:
    assert fsm("demo", "--executor", executor).exit_code == 0

    assert calls == [(Path("fsm-demo"), executor, False)]


def test_an_executor_that_is_none_is_refused(calls: list[Any], fsm: Invoke) -> None:
    result = fsm("demo", "--executor", "fork")

    assert (result.exit_code, calls) == (2, [])
    assert "'fork' is not one of 'thread', 'process', 'dask'" in result.stderr


@pytest.mark.parametrize(
    ("directory", "code"), [("failing", 1), ("without", 1), ("stopped", 130), ("shop.py", 2)]
)
def test_the_demo_answers_with_its_exit_code(
    directory: str, code: int, calls: list[Any], fsm: Invoke
) -> None:
    result = fsm("demo", "--directory", directory)

    assert result.exit_code == code
    assert "Traceback" not in result.stderr


def test_what_the_demo_lacks_is_named(calls: list[Any], fsm: Invoke) -> None:
    result = fsm("demo", "--directory", "without")

    assert result.stderr == (
        "error: fsm demo needs the extra 'demo': pip install 'runstates[demo]'\n"
    )
