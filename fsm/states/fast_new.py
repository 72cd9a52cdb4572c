"""Plain: payloads of the four common fields and nothing else, made without their constructor.

A frozen attrs constructor sets each field through `object.__setattr__`, after its converter: four
times what a step can afford. Where a class has nothing of its own, the fields are set while the
object is still of a class that allows it:

    payload = molten(Molten)
    payload.message = ...  # and the other three, as the converters would have them
    payload.__class__ = cls
"""

from __future__ import annotations

import attrs

from .base import State

__all__ = ["Molten", "is_plain", "molten"]

_HOOKS = ("__attrs_pre_init__", "__attrs_post_init__")

molten = object.__new__


class _Molten(State):  # by its name no member of the family
    """A state while it is being made."""

    __slots__ = ()

    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


Molten = _Molten


def is_plain(cls: type[State]) -> bool:
    """Whether a *cls* may be made so: it has no fields, hooks or slots of its own."""
    if _meant(cls) != _meant(State) or any(hasattr(cls, hook) for hook in _HOOKS):
        return False
    try:
        molten(Molten).__class__ = cls  # type: ignore[assignment]  # what is asked
    except TypeError:  # a class with a layout of its own
        return False
    return True


def _meant(cls: type[State]) -> dict[str, tuple[object, ...]]:
    """What its fields, in whatever order, ask of a constructor."""
    return {
        field.name: (field.converter, field.default, field.validator, field.init)
        for field in attrs.fields(cls)
    }
