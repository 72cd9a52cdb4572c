"""Public names say where they are public, and their annotations resolve."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

import fsm
from fsm import flow, tasks

MODULES = ["guards", "prepare", "timers", "trigger_rules", "validators"]  # of fsm.tasks
IN_FSM = ["Cache", "Node", "Policy", "Quorum", "Retry", "TaskRun", "Timeout", "gather", "task"]
IN_PACKAGES = {"fsm.flow": ["FunctionRun", "Mapping", "Task", "each"], "fsm.tasks": ["Due", "due"]}


def functions(value: Any) -> Iterator[Callable[..., Any]]:
    """A function itself; of a class its constructor and its public methods and properties."""
    if inspect.isfunction(value):
        yield value
    elif isinstance(value, type):
        for name, member in vars(value).items():
            function = member.fget if isinstance(member, property) else member
            if inspect.isfunction(function) and (name == "__init__" or name[0] != "_"):
                yield function


def public() -> Iterator[Any]:
    for module in (flow, tasks, *(import_module(f"fsm.tasks.{name}") for name in MODULES)):
        yield from (getattr(module, name) for name in module.__all__)
    yield from (fsm.gather, fsm.task)


@pytest.mark.parametrize("name", IN_FSM)
def test_what_is_public_in_fsm_says_so(name: str) -> None:
    assert getattr(fsm, name).__module__ == "fsm"


@pytest.mark.parametrize("package", IN_PACKAGES)
def test_what_is_public_in_a_package_says_so(package: str) -> None:
    for name in IN_PACKAGES[package]:
        assert getattr(sys.modules[package], name).__module__ == package


@pytest.mark.parametrize("package", [flow, tasks])
def test_no_exported_name_hides_a_module(package: Any) -> None:
    for name in package.__all__:
        assert f"{package.__name__}.{name}" not in sys.modules
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_type_hints_of_public_names_resolve() -> None:
    for value in public():
        if isinstance(value, type):
            typing.get_type_hints(value)
        for function in functions(value):
            typing.get_type_hints(function)


def test_public_names_have_docstrings() -> None:
    bare = [
        each
        for value in public()
        for each in (value, *functions(value))
        if (isinstance(each, type) or inspect.isfunction(each))
        and getattr(each, "__name__", "") != "__init__"
        and value is not import_module("fsm.tasks.guards").TaskRunLike
        and not inspect.getdoc(each)
    ]

    assert bare == []
