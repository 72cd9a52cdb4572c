"""Plain: payloads of the four common fields and nothing else, made without their constructor.

A frozen attrs constructor sets each field through `object.__setattr__`, after its converter: four
times what a step can afford. Where a class has nothing of its own, the fields are set while the
object is still of a class that allows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from states.base import State
from states.payload import Names
from states.result import Result

__all__ = ["Make", "plain"]

Make = Callable[[Any, Result, "Names | None", "Names | None"], State]

_HOOKS = ("__attrs_pre_init__", "__attrs_post_init__")


class _Molten(State):
    """A state while it is being made."""

    __slots__ = ()

    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


_new = object.__new__


def plain(cls: type[State]) -> Make | None:
    """What makes a *cls* of fields that are already as its converters would have them.

    None if the class has more to it: fields, hooks or slots of its own.
    """
    fields = {field.name: field.converter for field in attrs.fields(cls)}
    common = {field.name: field.converter for field in attrs.fields(State)}
    if fields != common or any(hasattr(cls, hook) for hook in _HOOKS):
        return None

    def make(message: Any, result: Result, context: Names | None, inputs: Names | None) -> State:
        payload = _new(_Molten)
        payload.message = message  # type: ignore[misc]  # not frozen yet
        payload._result = result  # type: ignore[misc]
        payload._context = context  # type: ignore[misc]
        payload._cached_inputs = inputs  # type: ignore[misc]
        payload.__class__ = cls  # type: ignore[assignment]
        return payload

    try:
        make(None, Result(), None, None)
    except TypeError:  # a class with a layout of its own
        return None
    return make
