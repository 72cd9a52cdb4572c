"""Exports: `__all__` is sorted, complete, and true."""

from __future__ import annotations

import importlib
import types
import typing
from pathlib import Path

import pytest

import fsm
import states

ROOMS = [
    "states",
    "fsm",
    "fsm.journal",
    "fsm.explain",
    "fsm.operations",
    "fsm.telemetry",
    "fsm.testing",
    "fsm.diagrams",
    "fsm.errors",
    "fsm.tasks.timers",
]


@pytest.mark.parametrize("name", ROOMS)
def test_what_is_exported_is_sorted(name: str) -> None:
    names = importlib.import_module(name).__all__

    assert list(names) == sorted(set(names))


@pytest.mark.parametrize("name", ROOMS)
def test_what_is_exported_is_there(name: str) -> None:
    room = importlib.import_module(name)

    assert [each for each in room.__all__ if not hasattr(room, each)] == []


@pytest.mark.parametrize("name", ROOMS)
def test_what_is_there_is_exported(name: str) -> None:
    room = importlib.import_module(name)
    ours = {
        each
        for each, value in vars(room).items()
        if not each.startswith("_")
        and not isinstance(value, types.ModuleType)
        and (getattr(value, "__module__", "") or "").startswith(name)
    }

    assert ours - set(room.__all__) == set()


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
def test_a_package_says_that_it_is_typed(name: str) -> None:
    package = importlib.import_module(name)

    assert package.__file__ is not None
    assert (Path(package.__file__).parent / "py.typed").exists()


def test_everyday_names_are_on_the_first_floor() -> None:
    assert {"TaskRun", "Run", "event", "internal", "open_journal", "perform"} <= set(fsm.__all__)
    ours = [cls for cls in states.State.children() if cls.__module__.startswith("fsm.states")]
    assert {cls.__name__ for cls in ours} <= set(states.__all__)
