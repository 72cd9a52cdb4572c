"""Build payloads without their constructor, for classes with the four common fields only.

A frozen attrs constructor sets each field through `object.__setattr__` after its converter, which
takes four times what a step can afford. Where a class adds nothing, the fields are set while the
object still has a class that allows it:

    payload = new_unfrozen(Unfrozen)
    payload.message = ...  # and the other three, as their converters would return them
    payload.__class__ = cls
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from .base import State

__all__ = ["Unfrozen", "allows_fast_new", "new_unfrozen"]

_HOOKS = ("__attrs_pre_init__", "__attrs_post_init__")

new_unfrozen: Callable[[type[State]], Any] = object.__new__


class _Unfrozen(State):  # the underscore keeps it out of `State.children()`
    """A state while it is being built."""

    __module__ = "fsm.states"
    __slots__ = ()

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...
        def __delattr__(self, name: str) -> None: ...
    else:
        __setattr__ = object.__setattr__
        __delattr__ = object.__delattr__


Unfrozen = _Unfrozen


def allows_fast_new(cls: type[State]) -> bool:
    """Whether a *cls* may be built so: it has no fields, hooks or slots of its own."""
    if _field_rules(cls) != _field_rules(State) or any(hasattr(cls, hook) for hook in _HOOKS):
        return False
    try:
        new_unfrozen(Unfrozen).__class__ = cls  # that is the question
    except TypeError:  # the class has another memory layout
        return False
    return True


def _field_rules(cls: type[State]) -> dict[str, tuple[object, ...]]:
    """Return what the constructor does with each field, in whatever order it takes them."""
    return {
        field.name: (field.converter, field.default, field.validator, field.init)
        for field in attrs.fields(cls)
    }
