"""Which fields a state class has in its serialised form, and under which keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from fsm.states import registry
from fsm.states.errors import NotSerializable

VERSION = "0.10.7"  # the release of the reference system whose JSON format this is

_COMMON = frozenset(("message", "result", "context", "cached_inputs"))
_RESERVED = frozenset(("type", "__version__", "exact", "_result", "n_map_states"))

# The fields of built-in classes that the fast path can handle: they hold no states.
_FAST = frozenset(
    ("cached_parameters", "cached_result_expiration", "loop_count", "run_count", "start_time")
)

_builtin: dict[type[Any], Schema] = {}
_custom: WeakKeyDictionary[type[Any], Schema] = WeakKeyDictionary()
# schema_of without a frame; None for a class that it has not seen yet.
find_builtin: Callable[[type[Any]], Schema | None] = _builtin.get


@attrs.frozen(eq=False)
class Schema:
    """How one state class is written and read.

    `builtin_fields` are the fields that a built-in class adds to the four of `State`,
    `custom_fields` those of a user's class. Both are pairs: the constructor's name, which is also
    the key in JSON, and the name of the attribute.
    """

    name: str
    builtin_fields: tuple[tuple[str, str], ...]
    custom_fields: tuple[tuple[str, str], ...]
    is_mapped: bool
    keys: frozenset[str]  # all keys that may occur
    fast_keys: frozenset[str]  # the keys the fast path expects; empty if it never applies
    exact_keys: frozenset[str]  # the keys that may occur below "exact"
    needs_constructor: bool
    setters: Mapping[str, Callable[[Any, Any], None]]  # by attribute; work on frozen instances


def schema_of(cls: type[Any], field: str = "") -> Schema:
    """Return the schema of a state class.

    Args:
        cls: The state class.
        field: The dotted path of the field that holds the state, for the error.

    Raises:
        NotSerializable: The class is abstract, or its name is that of a class declared later.
    """
    schema = _builtin.get(cls)
    if schema is not None:
        return schema
    if cls.__name__ in ("State", "_MetaState"):
        raise NotSerializable(
            f"{cls.__name__} is abstract and cannot be written; use one of its subclasses", field
        )
    if registry.find(cls.__name__) is not cls:
        raise NotSerializable(
            f"{cls.__module__}.{cls.__qualname__} would be read back as another class "
            f"declared later as {cls.__name__}; rename one",
            field,
        )
    schema = _custom.get(cls)
    if schema is None:
        schema = _build(cls)
        (_builtin if registry.is_builtin(cls) else _custom)[cls] = schema
    return schema


def _build(cls: type[Any]) -> Schema:
    fields = {field.alias: field for field in attrs.fields(cls) if field.init}
    nearest = next(base for base in cls.__mro__ if registry.is_builtin(base))
    builtin = {field.alias for field in attrs.fields(nearest)} - _COMMON
    custom = [name for name in fields if name not in builtin and name not in _COMMON]
    if _RESERVED & set(custom):
        raise NotSerializable(
            f"{cls.__name__} has a field named {min(_RESERVED & set(custom))}, "
            "which the JSON format uses itself; rename the field",
            min(_RESERVED & set(custom)),
        )
    is_mapped = "map_states" in builtin
    keys = {"type", "__version__", "message", "context", "cached_inputs"}
    keys |= builtin | set(custom) | {"n_map_states" if is_mapped else "_result"}
    return Schema(
        name=cls.__name__,
        builtin_fields=tuple((name, fields[name].name) for name in fields if name in builtin),
        custom_fields=tuple((name, fields[name].name) for name in custom),
        is_mapped=is_mapped,
        keys=frozenset(keys | {"exact"}),
        fast_keys=frozenset(keys if builtin <= _FAST and not custom else ()),
        exact_keys=frozenset({"message", "context", *(builtin & {"cached_parameters"}), *custom}),
        # Only a class with attrs fields of its own is built through its constructor. For all
        # others the fields as read are the state, and their constructors may read the clock.
        needs_constructor=not registry.is_builtin(cls) and "__attrs_attrs__" in cls.__dict__,
        setters={field.name: getattr(cls, field.name).__set__ for field in fields.values()},
    )
