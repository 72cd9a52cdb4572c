"""TARGET: what it may name, and the errors when it names something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Invoke, Program


def test_a_module_of_the_current_directory_is_found(here: Path, fsm: Invoke) -> None:
    result = fsm("show", "shop:Order")

    assert result.exit_code == 0
    assert "Running?" in result.stdout


def test_a_class_within_a_class_is_found(here: Path, fsm: Invoke) -> None:
    (here / "inner.py").write_text("import shop\nclass Box:\n    Order = shop.Order\n")

    assert fsm("show", "inner:Box.Order").exit_code == 0


@pytest.mark.parametrize(
    "target", ["", ":", "shop", "shop:", ":Order", "a b:C", "..:x", "shop.py:Order-1", "a\x1b:B"]
)
def test_a_target_of_another_form_is_2(target: str, here: Path, fsm: Invoke) -> None:
    result = fsm("show", target)

    assert result.exit_code == 2
    assert "a target is written package.module:Class" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_point_for_a_colon_is_seen(fsm: Invoke) -> None:
    result = fsm("show", "fsm.TaskRun")

    assert result.exit_code == 2
    assert "(did you mean 'fsm:TaskRun'?)" in result.stderr


@pytest.mark.parametrize("target", ["shop", "shop.py", "./shop.py", "shop.Order"])
def test_what_a_target_was_meant_to_be_is_seen(target: str, here: Path, fsm: Invoke) -> None:
    assert "(did you mean 'shop:Order'?)" in fsm("show", target).stderr


def test_a_file_without_runs_is_no_target(here: Path, fsm: Invoke) -> None:
    (here / "bare.py").touch()

    assert "did you mean" not in fsm("show", "./bare.py").stderr


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("shop.py:Order", "no module is called 'shop.py' (did you mean 'shop'?)"),
        ("shop.Order:x", "no module is called 'shop.Order' (did you mean 'shop:Order'?)"),
        ("shpo:Order", "no module is called 'shpo' (did you mean 'shop'?)"),
        ("fsm.taks:TaskRun", "no module is called 'fsm.taks' (did you mean 'fsm.tasks'?)"),
        ("shop.sub:Order", "no module is called 'shop.sub'"),
        ("shop:Ordre", "shop has no 'Ordre' (did you mean 'Order'?)"),
        ("shop:zzz", "shop has no 'zzz'; there is Order"),
        ("shop:Order.zzz", "shop:Order has no 'zzz'"),
        ("shop:pack", "shop:pack is a function, not a Run class; there is Order"),
        ("shop:Running", "shop:Running is a state class, not a Run class; there is Order"),
        (
            "shop:__name__",
            "shop:__name__ is an object of type str, not a Run class; there is Order",
        ),
        ("os:path", "os:path is a module, not a Run class"),
        ("pathlib:Path", "pathlib:Path is a class of another kind, not a Run class"),
    ],
)
def test_a_target_that_is_not_there_is_explained(
    target: str, error: str, here: Path, fsm: Invoke
) -> None:
    result = fsm("show", target)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"error: {error}\n"


def test_a_run_is_no_run_class(here: Path, fsm: Invoke) -> None:
    (here / "made.py").write_text("import shop\norder = shop.Order()\n")

    assert "made:order is a run, not a Run class" in fsm("show", "made:order").stderr


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ValueError('bo\\nom \\x1b[31m')", "ValueError: bo\\nom \\x1b[31m"),
        ("import nosuchdependency", "ModuleNotFoundError: No module named 'nosuchdependency'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("import asyncio\nraise asyncio.CancelledError", "CancelledError: "),
        ("def (", "SyntaxError: invalid syntax (broken.py, line 1)"),
    ],
)
def test_a_module_that_raises_is_named_with_its_exception(
    code: str, error: str, here: Path, fsm: Invoke
) -> None:
    (here / "broken.py").write_text(code)

    result = fsm("show", "broken:Order")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == f"error: importing 'broken' raised {error}"


def test_where_a_module_raised_is_noted(here: Path, program: Program) -> None:
    (here / "broken.py").write_text("\n\n1 / 0\n")

    result = program("show", "broken:Order")

    assert result.returncode == 1
    assert f"note: raised at {here / 'broken.py'}:3\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_module_that_prints_does_not_spoil_json(here: Path, program: Program) -> None:
    (here / "loud.py").write_text("print('hello')\nfrom shop import Order\n")

    result = program("show", "loud:Order", "--json")

    assert json.loads(result.stdout)["name"] == "Order"
    assert result.stderr == "hello\n"
