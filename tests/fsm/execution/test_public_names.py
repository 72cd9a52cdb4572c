"""Public names of fsm.execution and fsm.worker say where they are public, and have type hints."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import fsm.execution
import fsm.worker
from fsm.flow import Mapping

PUBLIC: list[Any] = [
    *(getattr(fsm.execution, name) for name in fsm.execution.__all__),
    *(getattr(fsm.worker, name) for name in fsm.worker.__all__),
    Mapping,
]


def functions_of(public: Any) -> Iterator[Any]:
    """A function itself; of a class, its `__init__`, public methods and properties."""
    if inspect.isfunction(public):
        yield public
        return
    for name, value in vars(public).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if inspect.isfunction(function) and (name == "__init__" or not name.startswith("_")):
            yield function


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_a_public_name_is_found_where_it_says(public: Any) -> None:
    assert public.__module__ in ("fsm", "fsm.execution", "fsm.flow")
    assert getattr(importlib.import_module(public.__module__), public.__name__) is public


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_type_hints_are_found_at_run_time(public: Any) -> None:
    typing.get_type_hints(public)
    for function in functions_of(public):
        typing.get_type_hints(function)


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_a_public_name_has_a_docstring(public: Any) -> None:
    assert inspect.getdoc(public)
    for function in functions_of(public):
        assert function.__name__ == "__init__" or inspect.getdoc(function), function


def test_a_package_does_not_hide_its_modules() -> None:
    package = importlib.import_module("fsm.execution")
    for name in ("call", "context", "job", "runner", "scheduler", "mapping"):
        assert inspect.ismodule(importlib.import_module(f"{package.__name__}.{name}"))
        assert name not in package.__all__
