"""Exports: `__all__` is sorted, complete, and true."""

from __future__ import annotations

import importlib
import types
import typing
from pathlib import Path

import pytest

import fsm
import states

MODULES = [
    "states",
    "fsm",
    "fsm.states",
    "fsm.journal",
    "fsm.explain",
    "fsm.operations",
    "fsm.telemetry",
    "fsm.testing",
    "fsm.diagrams",
    "fsm.errors",
    "fsm.tasks.timers",
]


@pytest.mark.parametrize("name", MODULES)
def test_exported_names_are_sorted(name: str) -> None:
    names = importlib.import_module(name).__all__

    assert list(names) == sorted(set(names))


@pytest.mark.parametrize("name", MODULES)
def test_exported_names_exist(name: str) -> None:
    module = importlib.import_module(name)

    assert [each for each in module.__all__ if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", MODULES)
def test_public_names_of_a_module_are_exported(name: str) -> None:
    module = importlib.import_module(name)
    public = {
        each
        for each, value in vars(module).items()
        if not each.startswith("_")
        and not isinstance(value, types.ModuleType)
        and (getattr(value, "__module__", "") or "").startswith(name)
    }

    assert public - set(module.__all__) == set()


@pytest.mark.parametrize("name", ["fsm.explain", "fsm.operations", "fsm.telemetry", "fsm.testing"])
def test_type_hints_of_public_names_resolve_at_run_time(name: str) -> None:
    module = importlib.import_module(name)

    for each in module.__all__:
        public = getattr(module, each)
        assert (public.__module__, bool(public.__doc__)) == (name, True), each
        members = vars(public).values() if isinstance(public, type) else ()
        for member in (public, *members):
            function = member.fget if isinstance(member, property) else member
            if isinstance(function, type | types.FunctionType):
                typing.get_type_hints(function)


@pytest.mark.parametrize("name", ["states", "fsm"])
def test_a_package_is_marked_as_typed(name: str) -> None:
    package = importlib.import_module(name)

    assert package.__file__ is not None
    assert (Path(package.__file__).parent / "py.typed").exists()


def test_a_first_program_needs_only_the_top_packages() -> None:
    assert {"TaskRun", "Run", "event", "internal", "open_journal", "perform"} <= set(fsm.__all__)
    builtin = [cls for cls in states.State.children() if cls.__module__ == "fsm.states"]
    assert {cls.__name__ for cls in builtin} <= set(states.__all__)
