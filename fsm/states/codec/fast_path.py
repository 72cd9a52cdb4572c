"""The fast path for what most states carry: few values, and plain ones.

What it writes and reads is what `Encoder` and `Decoder` write and read; a test compares them. It
raises nothing: where it does not apply it returns None, and they do the work.
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
from .schema import VERSION, find_builtin, schema_of

# What these accept is within `limits`: a context and parameters of 16**3 strings each, a value of
# 16**2, and keys as long, come to 9 million characters.
_FEW = 16  # keys or items of one container
_SHORT = 500  # characters of a string or a key
_DEEP = 3  # containers inside one another, below the state

_NO_RESULT = {"type": "NoResultType", "__version__": VERSION}
_RESULT = {  # without its value
    "type": "SafeResult",
    "__version__": VERSION,
    "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
    "kind": "Result",
}


class _DoesNotApply(Exception):
    """The fast path does not apply to this state."""


def write(state: Any) -> dict[str, Any] | None:
    """Write a state as `Encoder` does; None if the fast path does not apply."""
    try:
        schema = find_builtin(type(state)) or schema_of(type(state))
        message, context = state.message, state._context
        if (
            not schema.fast_keys
            or state._cached_inputs
            or not (context is None or type(context) is dict)
        ):
            return None
        if message is not None and (
            type(message) is not str or len(message) > _SHORT or not message.isprintable()
        ):
            return None
        wire = {
            "type": schema.name,
            "__version__": VERSION,
            "message": message,
            "context": _copy_dict(context, _DEEP) if context else {},
            "cached_inputs": {},
            "_result": (
                _NO_RESULT.copy() if state._result is NoResult else _write_result(state._result)
            ),
        }
        for name, attribute in schema.builtin_fields:
            wire[name] = _WRITE[name](getattr(state, attribute))
    except (_DoesNotApply, StateError):
        return None
    return wire


def read(wire: dict[str, Any]) -> Any:
    """Read a state as `Decoder` does after `limits.check`; None if the fast path does not apply."""
    for key in wire:
        if type(key) is not str:  # a subclass may compare equal to what it is not
            return None
    name, message = wire.get("type"), wire.get("message")
    if type(name) is not str or not (message is None or _is_short(message)):
        return None
    cls = registry.find(name)
    if cls is None:
        return None
    try:
        schema = schema_of(cls)
        if (
            wire.keys() != schema.fast_keys
            or schema.needs_constructor
            or not _is_short(wire["__version__"])
        ):
            return None
        inputs, context = wire["cached_inputs"], wire["context"]
        if type(context) is not dict or type(inputs) is not dict or inputs:
            return None
        state, setters = object.__new__(cls), schema.setters
        setters["message"](state, message)
        setters["_result"](state, _read_result(_copy(wire["_result"], _DEEP)))
        setters["_context"](state, _copy_dict(context, _DEEP) if context else None)
        setters["_cached_inputs"](state, None)
        for name, attribute in schema.builtin_fields:
            setters[attribute](state, _READ[name](wire[name]))
    except (_DoesNotApply, StateError):
        return None
    return state


def _write_result(result: Result) -> dict[str, Any]:
    if type(result) is not Result or result.location is not None:
        raise _DoesNotApply
    value = result.value
    plain = _copy_dict(value, _DEEP - 1) if type(value) is dict else _copy(value, _DEEP - 1)
    return {
        "type": "SafeResult",
        "__version__": VERSION,
        "value": plain,
        "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
        "kind": "Result",
    }


def _read_result(wire: Any) -> Result:
    if wire == _NO_RESULT:
        return NoResult
    if type(wire) is dict:
        value = wire.get("value")
        if wire == {**_RESULT, "value": value}:
            return Result(value)
    raise _DoesNotApply


def _copy(value: Any, levels: int) -> Any:
    """Copy plain JSON with at most so many levels of containers."""
    kind = type(value)
    if kind is dict:
        return _copy_dict(value, levels) if value else {}
    if kind is list:
        return _copy_list(value, levels) if value else []
    if (
        value is None
        or (kind is int and value in INTEGERS)
        or (kind is str and _is_short(value))
        or kind is bool
        or (kind is float and isfinite(value))
    ):
        return value
    raise _DoesNotApply


def _copy_dict(value: dict[Any, Any], levels: int) -> dict[str, Any]:
    if not levels or len(value) > _FEW:
        raise _DoesNotApply
    copy = {}
    for name in value:
        if type(name) is not str or len(name) > _SHORT or not name.isprintable():
            raise _DoesNotApply
        item = value[name]
        kind = type(item)  # the commonest kinds inline: a call takes as long as the check
        if kind is str:
            if len(item) > _SHORT or not item.isprintable():
                raise _DoesNotApply
        elif kind is int:
            if item.bit_length() > 63:
                raise _DoesNotApply
        elif kind is list:
            item = _copy_list(item, levels - 1)
        else:
            item = _copy(item, levels - 1)
        copy[name] = item
    return copy


def _copy_list(value: list[Any], levels: int) -> list[Any]:
    if not levels or len(value) > _FEW:
        raise _DoesNotApply
    for item in value:
        if type(item) is not str or len(item) > _SHORT or not item.isprintable():
            return [_copy(item, levels - 1) for item in value]
    return value.copy()


def _is_short(value: Any) -> bool:
    return type(value) is str and len(value) <= _SHORT and value.isprintable()


def _write_moment(value: Any) -> str:
    if type(value) is pendulum.DateTime and value.tzinfo is pendulum.UTC:
        return moment.format(value)
    raise _DoesNotApply


def _check_count(value: Any) -> int:
    if type(value) is int and value >= 0 and value in INTEGERS:
        return value
    raise _DoesNotApply


_WRITE: dict[str, Callable[[Any], Any]] = {
    "cached_parameters": lambda value: _copy(value, _DEEP),
    "cached_result_expiration": lambda value: None if value is None else _write_moment(value),
    "loop_count": _check_count,
    "run_count": _check_count,
    "start_time": _write_moment,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "cached_parameters": lambda wire: _copy(wire, _DEEP),
    "cached_result_expiration": lambda wire: None if wire is None else moment.parse(wire, ""),
    "loop_count": _check_count,
    "run_count": _check_count,
    "start_time": lambda wire: moment.parse(wire, ""),
}
