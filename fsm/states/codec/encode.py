"""Encode: from a state to a dict ready for JSON, in the format that the reference system reads.

What that format cannot express goes into an `exact` entry beside it, which the reference ignores.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fsm.states import moment
from fsm.states.errors import InvalidPayload, NotSerializable
from fsm.states.result import NoResult, Result, SafeResult

from .encode_values import ValueEncoder
from .limits import CHILDREN, DEPTH, INTEGERS, shorten
from .plain_json import message_text
from .schema import VERSION, schema_of

_Wire = dict[str, Any]


class Encoder(ValueEncoder):
    """Encodes one state and all that is in it.

    In all methods, `wire` is the dict being filled, `exact` its `exact` entry, `path` the dotted
    path of what is encoded for error messages, and `depth` the number of levels above it.
    """

    __slots__ = ()

    def encode_state(self, state: Any, path: str, depth: int) -> _Wire:
        """Encode a state; *path* ends with a dot, or is empty."""
        if depth > DEPTH:
            raise NotSerializable(f"{path}state nests deeper than {DEPTH} levels", path + "state")
        schema = schema_of(type(state), path[:-1])
        message = state.message
        self.add_items(8)
        wire: _Wire = {"type": schema.name, "__version__": VERSION, "message": message}
        exact: _Wire = {}
        if message is not None:
            self._encode_message(message, path, depth, wire, exact)
        names = state._context
        wire["context"] = self._encode_context(names, path, depth, exact) if names else {}
        names = state._cached_inputs
        wire["cached_inputs"] = self._encode_inputs(names, path, depth) if names else {}
        if not schema.is_mapped:
            wire["_result"] = self.encode_result(state._result, path + "result", depth)
        for name, attribute in schema.builtin_fields:
            _ENCODE[name](self, wire, getattr(state, attribute), path + name, depth, exact)
        for name, attribute in schema.custom_fields:
            self._encode_any(wire, name, getattr(state, attribute), path, depth, exact)
        if exact:
            wire["exact"] = exact
        return wire

    def encode_result(self, result: Result, path: str, depth: int) -> _Wire:
        """Encode a result object.

        The reference keeps values only in a `SafeResult` with a handler. What is another kind of
        result here says so in `kind`.
        """
        if result is NoResult:
            return {"type": "NoResultType", "__version__": VERSION}
        kind = type(result)
        if kind is Result:
            wire = self._encode_stored_result(result.value, path, depth, "Result")
        elif kind is SafeResult and isinstance(result, SafeResult):
            wire = self._encode_stored_result(result.value, path, depth, "SafeResult")
            handler = self.encode_handler(result, path, depth)
            if handler is not None:
                wire["result_handler"] = handler
                del wire["kind"]
        else:
            raise NotSerializable(
                f"{path} is a {kind.__name__}; only Result and SafeResult can be written", path
            )
        if result.location is not None:
            wire["location"] = self.encode_location(result, path)
        return wire

    def _encode_stored_result(self, value: Any, path: str, depth: int, kind: str) -> _Wire:
        plain, tagged = self.encode_both(value, path, depth)
        wire = {
            "type": "SafeResult",
            "__version__": VERSION,
            "value": plain,
            "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
            "kind": kind,
        }
        if tagged is not None:
            wire["exact"] = tagged
        return wire

    def _encode_message(
        self, message: Any, path: str, depth: int, wire: _Wire, exact: _Wire
    ) -> None:
        path += "message"
        if type(message) is str:
            self.encode_text(message, path)
            return
        plain, tagged = self.encode_both(message, path, depth)
        exact["message"] = self.encode(message, path, depth) if tagged is None else tagged
        wire["message"] = message_text(message, plain, exact["message"])

    def _encode_context(self, names: Mapping[Any, Any], path: str, depth: int, exact: _Wire) -> Any:
        plain, tagged = self.encode_both(names, path + "context", depth)
        if tagged is not None:
            exact["context"] = tagged
        return plain

    def _encode_inputs(self, names: Mapping[Any, Any], path: str, depth: int) -> _Wire:
        path += "cached_inputs"
        wire: _Wire = {}
        for name, value in names.items():
            if type(name) is not str:
                raise NotSerializable(
                    f"{path} has a name of type {type(name).__name__}; names are strings", path
                )
            at = f"{path}.{shorten(self.encode_text(name, path))}"
            self.add_items(4)
            if isinstance(value, Result):
                wire[name] = self.encode_result(value, at, depth + 1)
            else:
                wire[name] = self._encode_stored_result(value, at, depth + 1, "value")
        return wire

    def _encode_any(
        self, wire: _Wire, name: str, value: Any, path: str, depth: int, exact: _Wire
    ) -> None:
        wire[name], tagged = self.encode_both(value, path + name, depth)
        if tagged is not None:
            exact[name] = tagged

    def _encode_moment(
        self, wire: _Wire, value: Any, path: str, _depth: int, _exact: _Wire
    ) -> None:
        name = path.rpartition(".")[2]
        if value is None and name != "start_time":
            wire[name] = None
        elif not isinstance(value, datetime):
            raise NotSerializable(f"{path} is {type(value).__name__}, not a datetime", path)
        else:
            try:
                wire[name] = moment.format(moment.as_moment(value, path))
            except InvalidPayload as error:
                raise NotSerializable(str(error), path) from error

    def _encode_count(self, wire: _Wire, value: Any, path: str, _depth: int, _exact: _Wire) -> None:
        if type(value) is not int or value < 0 or value not in INTEGERS:
            raise NotSerializable(f"{path} is no whole number from 0 up within 64 bits", path)
        wire[path.rpartition(".")[2]] = value

    def _encode_wrapped(
        self, wire: _Wire, value: Any, path: str, depth: int, _exact: _Wire
    ) -> None:
        wire["state"] = None if value is None else self.encode_state(value, path + ".", depth + 1)

    def _encode_children(
        self, wire: _Wire, value: Any, path: str, depth: int, _exact: _Wire
    ) -> None:
        if len(value) > CHILDREN:
            raise NotSerializable(f"{path} has more than {CHILDREN} children", path)
        self._count(len(value), 0, path)
        wire["n_map_states"] = len(value)
        wire["map_states"] = [
            None if child is None else self.encode_state(child, f"{path}.{index}.", depth + 1)
            for index, child in enumerate(value)
        ]

    def _encode_parameters(
        self, wire: _Wire, value: Any, path: str, depth: int, exact: _Wire
    ) -> None:
        name = "cached_parameters"
        self._encode_any(wire, name, value, path[: -len(name)], depth, exact)


_ENCODE: dict[str, Any] = {
    "cached_parameters": Encoder._encode_parameters,
    "cached_result_expiration": Encoder._encode_moment,
    "loop_count": Encoder._encode_count,
    "map_states": Encoder._encode_children,
    "run_count": Encoder._encode_count,
    "start_time": Encoder._encode_moment,
    "state": Encoder._encode_wrapped,
}
