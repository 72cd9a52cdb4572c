"""Public names say where they are public, and their annotations resolve."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

from fsm import TaskRun, diagrams
from fsm.diagrams import Direction, graph
from fsm.errors import InvalidArgument

PUBLIC = [
    value
    for value in (getattr(diagrams, name) for name in diagrams.__all__)
    if isinstance(value, type | FunctionType)
]


def callables() -> Iterator[Callable[..., Any]]:
    """The public functions, and the public methods and properties of public classes."""
    for value in PUBLIC:
        if isinstance(value, FunctionType):
            yield value
            continue
        for name, member in vars(value).items():
            found = member.fget if isinstance(member, property) else member
            if isinstance(found, FunctionType) and not name.startswith("_"):
                yield found


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: value.__name__)
def test_a_public_name_says_that_it_is_in_diagrams(value: Any) -> None:
    assert value.__module__ == "fsm.diagrams"


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: value.__name__)
def test_the_type_hints_of_a_public_name_resolve(value: Any) -> None:
    typing.get_type_hints(value)
    typing.get_type_hints(value.__init__)


@pytest.mark.parametrize("function", list(callables()), ids=lambda found: found.__qualname__)
def test_a_public_function_has_type_hints_and_a_docstring(function: Callable[..., Any]) -> None:
    assert "return" in typing.get_type_hints(function)
    assert function.__doc__


def test_a_graph_survives_pickling_and_copying() -> None:
    shown = graph(TaskRun)

    assert pickle.loads(pickle.dumps(shown)) == shown
    assert copy.deepcopy(shown) == shown


def test_a_direction_is_found_by_its_value() -> None:
    assert Direction("LR") is Direction.LR


@pytest.mark.parametrize("value", ["", "lr", "TB ", 3, None, []])
def test_a_value_that_is_no_direction_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="a direction is one of TB, BT, LR, RL, not"):
        Direction(value)
