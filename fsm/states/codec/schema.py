"""The form of a class on the wire: which of its fields goes where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from fsm.states import registry
from fsm.states.errors import NotSerializable

VERSION = "0.10.7"  # the release of the reference whose wire this is

_EVERYONES = frozenset(("message", "result", "context", "cached_inputs"))
_RESERVED = frozenset(("type", "__version__", "exact", "_result", "n_map_states"))

# The fields of ours that a glance can be enough for: they hold neither states nor children.
_PLAIN = frozenset(
    ("cached_parameters", "cached_result_expiration", "loop_count", "run_count", "start_time")
)

_ours: dict[type[Any], Form] = {}
_theirs: WeakKeyDictionary[type[Any], Form] = WeakKeyDictionary()
of_ours = _ours.get  # form_of, for where the call itself would count; None if it has not seen it


@attrs.frozen(eq=False)
class Form:
    """How one class is written and read.

    `own` are the fields our classes add to State's four, `extra` those of a user's class;
    both are pairs of the constructor's name, which is the wire's, and the attribute's.
    """

    name: str
    own: tuple[tuple[str, str], ...]
    extra: tuple[tuple[str, str], ...]
    mapped: bool
    known: frozenset[str]
    plain: frozenset[str]  # all there is on the wire of an ordinary state; empty if never ordinary
    exact: frozenset[str]
    constructed: bool
    put: Mapping[str, Callable[[Any, Any], None]]  # by attribute: what fills it, frozen or not


def form_of(cls: type[Any], field: str = "") -> Form:
    """Find the form of a class of states.

    Raises:
        NotSerializable: It has none: it is abstract, or its name leads to another class.
    """
    form = _ours.get(cls)
    if form is not None:
        return form
    if cls.__name__ in ("State", "_MetaState"):
        raise NotSerializable(
            f"{cls.__name__} is no state to be in; use one of its children", field
        )
    if registry.named(cls.__name__) is not cls:
        raise NotSerializable(
            f"{cls.__module__}.{cls.__qualname__} would be read back as another class "
            f"declared later as {cls.__name__}; rename one",
            field,
        )
    form = _theirs.get(cls)
    if form is None:
        form = _laid_out(cls)
        (_ours if registry.is_ours(cls) else _theirs)[cls] = form
    return form


def _laid_out(cls: type[Any]) -> Form:
    fields = {field.alias: field for field in attrs.fields(cls) if field.init}
    nearest = next(base for base in cls.__mro__ if registry.is_ours(base))
    ours = {field.alias for field in attrs.fields(nearest)} - _EVERYONES
    extra = [name for name in fields if name not in ours and name not in _EVERYONES]
    if _RESERVED & set(extra):
        raise NotSerializable(
            f"{cls.__name__} has a field named {min(_RESERVED & set(extra))}, "
            "which the wire uses itself; rename it",
            min(_RESERVED & set(extra)),
        )
    mapped = "map_states" in ours
    base = {"type", "__version__", "message", "context", "cached_inputs"}
    base |= ours | set(extra) | {"n_map_states" if mapped else "_result"}
    return Form(
        name=cls.__name__,
        own=tuple((name, fields[name].name) for name in fields if name in ours),
        extra=tuple((name, fields[name].name) for name in extra),
        mapped=mapped,
        known=frozenset(base | {"exact"}),
        plain=frozenset(base if ours <= _PLAIN and not extra else ()),
        exact=frozenset({"message", "context", *(ours & {"cached_parameters"}), *extra}),
        # Only a class with attrs fields of its own is built through its constructor: for all
        # others the fields as read are the state, and a constructor may ask its surroundings.
        constructed=not registry.is_ours(cls) and "__attrs_attrs__" in cls.__dict__,
        put={field.name: getattr(cls, field.name).__set__ for field in fields.values()},
    )
