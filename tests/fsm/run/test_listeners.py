"""Listeners: what is taken for one, and what is refused at the door."""

from __future__ import annotations

import functools
import inspect
import operator
import random
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import pytest

from fsm import TaskRun
from fsm.errors import InvalidArgument

# One of each shape that a parameter list can have. None is ever called.
SHAPES: list[Callable[..., Any]] = [
    lambda: None,
    lambda a: None,
    lambda a, b: None,
    lambda a, b, c: None,
    lambda a, b, c, d: None,
    lambda a=1: None,
    lambda a, b=1: None,
    lambda a, b, c=1: None,
    lambda a, b, c, d=1: None,
    lambda a, b=1, c=2, d=3, e=4: None,
    lambda *a: None,
    lambda a, *b: None,
    lambda a, b, c, *d: None,
    lambda a, b, c, d, *e: None,
    lambda a, b=1, *c: None,
    lambda a, b, /: None,
    lambda a, /, b: None,
    lambda a, b=1, /, c=2: None,
    lambda *, a: None,
    lambda *, a=1: None,
    lambda a, b, *, c: None,
    lambda a, b, *, c=1: None,
    lambda a, b, c, *, d: None,
    lambda a, b, c, *, d=1: None,
    lambda *a, b: None,
    lambda *a, b=1: None,
    lambda **a: None,
    lambda a, b, **c: None,
    lambda a, b, c, **d: None,
    lambda *a, **b: None,
]


class Metaclass(type):
    """Makes classes that take something else than their constructor."""

    def __call__(cls, one: object) -> Any:
        """Take one."""


class Meta(metaclass=Metaclass):
    """Takes what its metaclass says."""

    def __init__(self, one: object, two: object) -> None:
        """Take two."""


def signed(*given: object) -> None:
    """Take anything, and say otherwise."""


signed.__signature__ = inspect.Signature()  # type: ignore[attr-defined]  # a function may

OTHERS: list[Any] = [
    print, min, len, dict, list, object, operator.add, operator.itemgetter(0), [].append,
    "{}".format, Meta, signed, MethodType(signed, 0), MethodType(len, 0), MethodType(print, 0),
    functools.lru_cache(SHAPES[2]), functools.cache(SHAPES[1]), staticmethod(SHAPES[2]),
    MethodType(functools.partial(SHAPES[2]), 0), inspect.Signature, 3, "tell", object(),
]  # fmt: skip


def dressed(shape: Callable[..., Any]) -> Iterator[Any]:
    """The ways in which a function comes along."""

    async def coroutine(*given: Any) -> None: ...

    class Called:
        __call__ = shape

    class Made:
        __init__ = shape

    def marked(*given: Any) -> None: ...

    yield shape
    yield MethodType(shape, 0)
    yield MethodType(MethodType(shape, 0), 0)
    yield functools.wraps(shape)(lambda *given: None)
    yield functools.wraps(shape)(coroutine)
    yield MethodType(functools.wraps(shape)(marked), 0)
    yield functools.partial(shape)
    yield functools.partial(shape, 1)
    yield functools.partial(shape, a=1)
    yield functools.partialmethod(shape, 1).__get__(0)
    yield Called()
    yield Called
    yield Made


def verdict(listener: Any, count: int) -> str:
    """What its signature says of *count* arguments: nothing, or what it takes instead."""
    if not callable(listener):
        return "is a function"
    try:
        signature = inspect.signature(listener)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*range(count))
    except TypeError:
        return f"; {getattr(listener, '__name__', listener)} takes {signature}"
    return ""


def refusal(kind: str, listener: Any) -> str:
    """What registering it says, if anything."""
    try:
        TaskRun()._own_callbacks().add(kind, None, listener)
    except InvalidArgument as error:
        return str(error)
    return ""


# A sample: all 826 cases cost more than they find. With this seed there is a case for each
# condition in `check_callable` and `_plainly_takes`: the test fails when any of them is broken.
CASES = random.Random(9).sample(
    [
        (listener, kind, count)
        for listener in [each for shape in SHAPES for each in dressed(shape)] + OTHERS
        for kind, count in (("after", 2), ("handler", 3))
    ],
    40,
)
CASES += [(each, "after", 2) for each in OTHERS if not callable(each)]


@pytest.mark.parametrize(("listener", "kind", "count"), CASES)
def test_a_listener_is_judged_by_its_signature(listener: Any, kind: str, count: int) -> None:
    said, wanted = refusal(kind, listener), verdict(listener, count)

    assert bool(said) == bool(wanted)
    assert wanted in said
