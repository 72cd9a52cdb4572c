"""Glance: the short cut through writing and reading for what most states carry: little, and plain.

Law: what it says, `Writer` and `Reader` say too. It refuses nothing; what it is not sure of it
leaves to them, by answering None.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import pendulum

from fsm.states import moment, registry
from fsm.states.errors import StateError
from fsm.states.result import NoResult, Result

from .limits import INTEGERS
from .schema import VERSION, form_of, of_ours

# What these let through is within `limits`: a context and parameters of 16**3 strings each, a
# value of 16**2, and names as long, come to 9 million characters.
_FEW = 16  # names or items of one container
_SHORT = 500  # characters of a string or a name
_DEEP = 3  # containers inside one another, below the state

_ABSENT = {"type": "NoResultType", "__version__": VERSION}
_PRESENT = {  # and the value
    "type": "SafeResult",
    "__version__": VERSION,
    "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
    "kind": "Result",
}


class _NotPlain(Exception):
    """A glance is not enough."""


def write(state: Any) -> dict[str, Any] | None:
    """Write a state as `Writer` does; None if a glance is not enough."""
    try:
        form = of_ours(type(state)) or form_of(type(state))
        message, context = state.message, state._context
        if not form.plain or state._cached_inputs or not (context is None or type(context) is dict):
            return None
        if message is not None and (
            type(message) is not str or len(message) > _SHORT or not message.isprintable()
        ):
            return None
        wire = {
            "type": form.name,
            "__version__": VERSION,
            "message": message,
            "context": _names(context, _DEEP) if context else {},
            "cached_inputs": {},
            "_result": _ABSENT.copy() if state._result is NoResult else _written(state._result),
        }
        for name, attribute in form.own:
            wire[name] = _WRITE[name](getattr(state, attribute))
    except (_NotPlain, StateError):
        return None
    return wire


def read(wire: dict[str, Any]) -> Any:
    """Read a state as `Reader` does what `limits` let in; None if a glance is not enough."""
    for key in wire:
        if type(key) is not str:  # a subclass may say it equals what it is not
            return None
    name, message = wire.get("type"), wire.get("message")
    if type(name) is not str or not (message is None or _is_short(message)):
        return None
    cls = registry.named(name)
    if cls is None:
        return None
    try:
        form = form_of(cls)
        if wire.keys() != form.plain or form.constructed or not _is_short(wire["__version__"]):
            return None
        inputs, context = wire["cached_inputs"], wire["context"]
        if type(context) is not dict or type(inputs) is not dict or inputs:
            return None
        state, put = object.__new__(cls), form.put
        put["message"](state, message)
        put["_result"](state, _read(_plain(wire["_result"], _DEEP)))
        put["_context"](state, _names(context, _DEEP) if context else None)
        put["_cached_inputs"](state, None)
        for name, attribute in form.own:
            put[attribute](state, _READ[name](wire[name]))
    except (_NotPlain, StateError):
        return None
    return state


def _written(result: Result) -> dict[str, Any]:
    if type(result) is not Result or result.location is not None:
        raise _NotPlain
    value = result.value
    plain = _names(value, _DEEP - 1) if type(value) is dict else _plain(value, _DEEP - 1)
    return {
        "type": "SafeResult",
        "__version__": VERSION,
        "value": plain,
        "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
        "kind": "Result",
    }


def _read(wire: Any) -> Result:
    if wire == _ABSENT:
        return NoResult
    if type(wire) is dict:
        value = wire.get("value")
        if wire == {**_PRESENT, "value": value}:
            return Result(value)
    raise _NotPlain


def _plain(value: Any, levels: int) -> Any:
    """Copy a value that goes no more than so many containers deep."""
    kind = type(value)
    if kind is dict:
        return _names(value, levels) if value else {}
    if kind is list:
        return _items(value, levels) if value else []
    if (
        value is None
        or (kind is int and value in INTEGERS)
        or (kind is str and _is_short(value))
        or kind is bool
        or (kind is float and isfinite(value))
    ):
        return value
    raise _NotPlain


def _names(value: dict[Any, Any], levels: int) -> dict[str, Any]:
    if not levels or len(value) > _FEW:
        raise _NotPlain
    copy = {}
    for name in value:
        if type(name) is not str or len(name) > _SHORT or not name.isprintable():
            raise _NotPlain
        item = value[name]
        kind = type(item)  # the commonest kinds without a call, which takes as long as the check
        if kind is str:
            if len(item) > _SHORT or not item.isprintable():
                raise _NotPlain
        elif kind is int:
            if item.bit_length() > 63:
                raise _NotPlain
        elif kind is list:
            item = _items(item, levels - 1)
        else:
            item = _plain(item, levels - 1)
        copy[name] = item
    return copy


def _items(value: list[Any], levels: int) -> list[Any]:
    if not levels or len(value) > _FEW:
        raise _NotPlain
    for item in value:
        if type(item) is not str or len(item) > _SHORT or not item.isprintable():
            return [_plain(item, levels - 1) for item in value]
    return value.copy()


def _is_short(value: Any) -> bool:
    return type(value) is str and len(value) <= _SHORT and value.isprintable()


def _moment(value: Any) -> str:
    if type(value) is pendulum.DateTime and value.tzinfo is pendulum.UTC:
        return moment.format(value)
    raise _NotPlain


def _count(value: Any) -> int:
    if type(value) is int and value >= 0 and value in INTEGERS:
        return value
    raise _NotPlain


_WRITE: dict[str, Callable[[Any], Any]] = {
    "cached_parameters": lambda value: _plain(value, _DEEP),
    "cached_result_expiration": lambda value: None if value is None else _moment(value),
    "loop_count": _count,
    "run_count": _count,
    "start_time": _moment,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "cached_parameters": lambda wire: _plain(wire, _DEEP),
    "cached_result_expiration": lambda wire: None if wire is None else moment.parse(wire, ""),
    "loop_count": _count,
    "run_count": _count,
    "start_time": lambda wire: moment.parse(wire, ""),
}
