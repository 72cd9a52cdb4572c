"""When two states are equal: same class and same data; message and context do not count."""

from __future__ import annotations

from datetime import datetime
from numbers import Number
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from .moment import to_micros
from .result import Result

_HASHED = ("start_time", "cached_result_expiration", "run_count", "loop_count")
_fields: WeakKeyDictionary[type[Any], tuple[str, ...]] = WeakKeyDictionary()


def data_fields(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of the attributes that count when two instances of *cls* are compared."""
    names = _fields.get(cls)
    if names is None:
        fields = [field.name for field in attrs.fields(cls)]
        own = [name for name in fields if not name.startswith("_") and name != "message"]
        names = _fields[cls] = (*own, "cached_inputs", "result")
    return names


def have_equal_data(one: Any, other: Any) -> bool:
    """Whether two states of one class carry the same data."""
    if (one._cached_inputs or other._cached_inputs) and not are_equal(
        one._cached_inputs or {}, other._cached_inputs or {}
    ):
        return False
    names = data_fields(type(one))
    return all(
        are_equal(getattr(one, name), getattr(other, name))
        for name in names
        if name != "cached_inputs"
    )


def are_equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; aware datetimes are compared as points in time.

    PEP 495: in the hour a clock is set back, equal points in time in two zones are `!=`.
    """
    if _are_moments(one, other):
        return to_micros(one) == to_micros(other)
    if one == other:
        return True
    return type(one) is type(other) and _are_equal_inside(one, other)


def _are_equal_inside(one: Any, other: Any) -> bool:
    kind = type(one)
    if issubclass(kind, Result):
        names = [field.name for field in attrs.fields(kind)]
        return all(are_equal(getattr(one, name), getattr(other, name)) for name in names)
    if kind is list or kind is tuple:
        return len(one) == len(other) and all(map(are_equal, one, other))
    if kind is dict:
        return one.keys() == other.keys() and all(are_equal(one[name], other[name]) for name in one)
    return False


def _are_moments(*values: Any) -> bool:
    return all(isinstance(value, datetime) and value.utcoffset() is not None for value in values)


def hash_of(state: Any) -> int:
    """Hash what is compared, as far as that is cheap and hashable."""
    parts: list[Any] = [type(state)]
    for name in data_fields(type(state)):
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
