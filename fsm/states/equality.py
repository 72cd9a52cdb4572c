"""When two states are alike: the same type and the same data, message and context apart."""

from __future__ import annotations

from datetime import datetime
from numbers import Number
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from .moment import to_micros
from .result import Result

_HASHED = ("start_time", "cached_result_expiration", "run_count", "loop_count")
_names: WeakKeyDictionary[type[Any], tuple[str, ...]] = WeakKeyDictionary()


def compared(cls: type[Any]) -> tuple[str, ...]:
    """Name what counts when two of *cls* are compared."""
    names = _names.get(cls)
    if names is None:
        fields = [field.name for field in attrs.fields(cls)]
        own = [name for name in fields if not name.startswith("_") and name != "message"]
        names = _names[cls] = (*own, "cached_inputs", "result")
    return names


def alike(one: Any, other: Any) -> bool:
    """Whether two states of one type carry the same data."""
    if (one._cached_inputs or other._cached_inputs) and not same(
        one._cached_inputs or {}, other._cached_inputs or {}
    ):
        return False
    names = compared(type(one))
    return all(
        same(getattr(one, name), getattr(other, name)) for name in names if name != "cached_inputs"
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, aware datetimes by instant.

    PEP 495: in the hour a clock is set back, equal moments in two zones are `!=`.
    """
    if _are_moments(one, other):
        return to_micros(one) == to_micros(other)
    if one == other:
        return True
    return type(one) is type(other) and _same_inside(one, other)


def _same_inside(one: Any, other: Any) -> bool:
    kind = type(one)
    if issubclass(kind, Result):
        names = [field.name for field in attrs.fields(kind)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if kind is list or kind is tuple:
        return len(one) == len(other) and all(map(same, one, other))
    if kind is dict:
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return False


def _are_moments(*values: Any) -> bool:
    return all(isinstance(value, datetime) and value.utcoffset() is not None for value in values)


def digest(state: Any) -> int:
    """Hash what is compared, as far as that is cheap and can be hashed."""
    parts: list[Any] = [type(state)]
    for name in compared(type(state)):
        if name in _HASHED:
            value = getattr(state, name)
            if isinstance(value, datetime):
                value = None if value.utcoffset() is None else to_micros(value)
            parts.append(value if isinstance(value, int) else None)
    result = state.result
    if result is None or isinstance(result, (str, Number)):
        try:
            parts.append(hash(result))
        except TypeError:  # a number may refuse, as Decimal("sNaN") does
            pass
    return hash(tuple(parts))
