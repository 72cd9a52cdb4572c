"""What is public says so at run time: its module, its annotations, its docstring."""

from __future__ import annotations

import inspect
import pickle
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import states
from fsm import states as home
from fsm.states import ambient
from states import State

COMMON = {"message", "result", "context", "cached_inputs"}
OWN_DUNDERS = {"__init__", "__new__", "__eq__", "__hash__", "__repr__", "__str__", "__reduce__"}
STATES = [cls for cls in vars(home).values() if isinstance(cls, type) and issubclass(cls, State)]


def public() -> Iterator[tuple[str, Any]]:
    """Yield the public classes and functions by name."""
    for name in home.__all__:
        if callable(getattr(home, name)):
            yield name, getattr(home, name)


def annotated() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield what carries annotations: functions, classes, their methods and properties."""
    seen = set()  # most methods are inherited: each counts once
    for name, found in public():
        yield name, found
        for attribute, member in inspect.getmembers(found) if inspect.isclass(found) else ():
            if attribute.startswith("_") and attribute not in OWN_DUNDERS:
                continue
            function = member.fget if isinstance(member, property) else member
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function) and function not in seen:
                seen.add(function)
                yield f"{name}.{attribute}", function
    for name, found in vars(ambient).items():
        if inspect.isfunction(found) and not name.startswith("_"):
            yield f"ambient.{name}", found


ANNOTATED = dict(annotated())


def test_the_walk_finds_constructors_methods_and_properties() -> None:
    assert {"dumps", "Retrying.__init__", "Mapped.n_map_states", "ambient.at"} <= set(ANNOTATED)


@pytest.mark.parametrize("name", ANNOTATED)
def test_annotations_resolve_at_run_time(name: str) -> None:
    hints = typing.get_type_hints(ANNOTATED[name])

    assert not [hint for hint in hints.values() if isinstance(hint, str | typing.ForwardRef)]


@pytest.mark.parametrize("cls", STATES, ids=lambda cls: cls.__name__)
def test_a_constructor_annotates_all_its_parameters(cls: type[State]) -> None:
    hints = typing.get_type_hints(cls.__init__)

    assert set(hints) == {*inspect.signature(cls).parameters, "return"}


def test_pydantic_validates_calls() -> None:
    pydantic = pytest.importorskip("pydantic")

    for name, function in ANNOTATED.items():
        if inspect.isfunction(function) and not name.endswith("__new__"):
            pydantic.validate_call(function, config={"arbitrary_types_allowed": True})

    assert pydantic.validate_call(states.loads)('{"type": "Pending"}') == states.Pending()
    with pytest.raises(pydantic.ValidationError):
        pydantic.validate_call(states.dumps, config={"arbitrary_types_allowed": True})("a text")


@pytest.mark.parametrize("name", [*dict(public()), "_MetaState"])
def test_what_is_public_says_where_it_is_public(name: str) -> None:
    found = getattr(home, name)

    assert found.__module__ == "fsm.states"
    if found is not states.NoResult:
        assert found.__qualname__ == name
    assert pickle.loads(pickle.dumps(found)) is found


@pytest.mark.parametrize("cls", STATES, ids=lambda cls: cls.__name__)
def test_help_says_what_a_state_means_and_what_its_fields_hold(cls: type[State]) -> None:
    text = vars(cls)["__doc__"]
    own = set(inspect.signature(cls).parameters) - COMMON

    assert text.partition("\n")[0].endswith(".")
    assert "every `State`" in text or "`Scheduled`" in text or cls is State
    inherited = any(cls.__init__ is base.__init__ for base in cls.parents())
    assert inherited or all(f"{name}: " in text for name in own)


@pytest.mark.parametrize("name", ANNOTATED)
def test_help_says_something_of_every_public_name(name: str) -> None:
    assert inspect.getdoc(ANNOTATED[name])
