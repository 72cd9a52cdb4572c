"""Decode: from a dict, written by us or by the reference system, to a state.

Decoding reads neither the clock nor the ambient context, and runs nothing that it was sent.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fsm.states import ambient, moment, registry
from fsm.states.errors import NotDeserializable, StateError
from fsm.states.result import NoResult, Result, SafeResult

from .decode_values import ValueDecoder, as_location, as_string, depth_error
from .limits import CHILDREN, DEPTH, shorten
from .schema import Schema, schema_of

_RESULT = frozenset(("type", "__version__", "value", "result_handler", "location", "kind", "exact"))
_MISSING: dict[str, Any] = {}  # stands for a missing key; also read as an empty dict
_COMMON = ("message", "context", "cached_inputs")
_DICT_OR_NONE = (dict, type(None))


class Decoder(ValueDecoder):
    """Decodes one state and all that is in it.

    In all methods, `wire` is what arrived, `path` the dotted path of it for error messages, and
    `depth` the number of levels above it.
    """

    __slots__ = ()

    def decode_state(self, wire: Any, path: str, depth: int) -> Any:
        """Decode a state; *path* ends with a dot, or is empty."""
        if type(wire) is not dict:
            at = path[:-1]
            raise NotDeserializable(
                f"{at or 'the state'} is {type(wire).__name__}, not an object", at
            )
        if depth > DEPTH:
            raise depth_error(path[:-1])
        cls = registry.get(as_string(wire.get("type"), path + "type"), path + "type")
        schema = schema_of(cls)
        if not wire.keys() <= schema.keys:
            field = path + shorten(min(wire.keys() - schema.keys))
            raise NotDeserializable(f"{field} is no field of {schema.name}", field)
        exact = wire.get("exact", _MISSING)
        if exact is not _MISSING and (
            type(exact) is not dict or not exact.keys() <= schema.exact_keys
        ):
            raise NotDeserializable(
                f"{path}exact has another form than {schema.name} writes", path + "exact"
            )
        return self._build(cls, schema, self._decode_fields(schema, wire, exact, path, depth), path)

    def _decode_fields(
        self, schema: Schema, wire: dict[str, Any], exact: dict[str, Any], path: str, depth: int
    ) -> dict[str, Any]:
        """Decode the fields, by the names of their attributes."""
        message, names, inputs = map(wire.get, _COMMON)
        fields: dict[str, Any] = {"message": message, "_context": None, "_cached_inputs": None}
        if message is not None or exact:
            fields["message"] = self._decode_message(message, exact, path, depth)
        if names or exact or type(names) not in _DICT_OR_NONE:
            fields["_context"] = self._decode_context(wire, exact, path, depth)
        if inputs or type(inputs) not in _DICT_OR_NONE:
            fields["_cached_inputs"] = self._decode_inputs(inputs, path + "cached_inputs", depth)
        if not schema.is_mapped:
            result = wire.get("_result", _MISSING)
            fields["_result"] = (
                NoResult
                if result is _MISSING
                else self.decode_result(result, path + "result", depth)
            )
        for name, attribute in schema.builtin_fields:
            fields[attribute] = _DECODE[name](self, wire, exact, name, path, depth)
        for name, attribute in schema.custom_fields:
            if name in wire:
                fields[attribute] = self._decode_any(wire, exact, name, path, depth)
        return fields

    def _build(self, cls: type[Any], schema: Schema, fields: dict[str, Any], path: str) -> Any:
        if schema.needs_constructor:
            return _construct(cls, schema, fields, path)
        state = object.__new__(cls)
        setters = schema.setters
        for name, value in fields.items():
            setters[name](state, value)
        return state

    def decode_result(self, wire: Any, path: str, depth: int) -> Result:
        """Decode a result object; one that is marked as a bare value is refused."""
        result = self._decode_result_or_value(wire, path, depth)
        if isinstance(result, Result):
            return result
        raise NotDeserializable(f"{path} is marked as a value, not a result", path)

    def _decode_result_or_value(self, wire: Any, path: str, depth: int) -> Result | _Value:
        if type(wire) is not dict or not wire.keys() <= _RESULT:
            raise NotDeserializable(f"{path} is no result object", path)
        kind = wire.get("type")
        if kind == "NoResultType":
            return NoResult
        if kind == "SafeResult":
            return self._decode_stored_result(wire, path, depth)
        if kind == "Result":  # as releases from 0.11 write it: a location without the value
            return Result(None, as_location(wire.get("location"), path))
        name = shorten(kind) if type(kind) is str else type(kind).__name__
        raise NotDeserializable(
            f"{path} is a {name}; only SafeResult, Result and NoResultType can be read", path
        )

    def _decode_stored_result(self, wire: dict[str, Any], path: str, depth: int) -> Result | _Value:
        if "value" not in wire:
            raise NotDeserializable(f"{path} has no value", path)
        handler = self.decode_handler(wire.get("result_handler"), path, depth)
        if "exact" in wire:
            value = self.decode(wire["exact"], path, depth)
        else:
            value = self.copy_json(wire["value"], path, depth)
        location = as_location(wire.get("location"), path)
        kind = wire.get("kind", "")
        if kind == "Result":
            return Result(value, location)
        if kind == "" or kind == "SafeResult":
            return SafeResult(value, location, None if kind else handler)
        if kind == "value" and location is None:
            return _Value(value)
        raise NotDeserializable(f"{path} has a kind of result that does not exist", path)

    def _decode_message(self, message: Any, exact: dict[str, Any], path: str, depth: int) -> Any:
        if message is not None:
            as_string(message, path + "message")
        if "message" in exact:
            return self.decode(exact["message"], path + "message", depth)
        return message

    def _decode_context(
        self, wire: dict[str, Any], exact: dict[str, Any], path: str, depth: int
    ) -> Any:
        names = self._decode_any(wire, exact, "context", path, depth)
        if names is not None and type(names) is not dict:
            raise NotDeserializable(f"{path}context is no object", path + "context")
        return names or None

    def _decode_inputs(self, names: Any, path: str, depth: int) -> Any:
        if type(names) is not dict:
            raise NotDeserializable(f"{path} is no object", path)
        inputs: dict[str, Any] = {}
        for name, wire in names.items():
            result = self._decode_result_or_value(wire, f"{path}.{shorten(name)}", depth + 1)
            inputs[name] = result if isinstance(result, Result) else result.value
        return inputs

    def _decode_any(
        self, wire: dict[str, Any], exact: dict[str, Any], name: str, path: str, depth: int
    ) -> Any:
        if name in exact:
            return self.decode(exact[name], path + name, depth)
        return self.copy_json(wire.get(name), path + name, depth)

    def _decode_start_time(
        self, wire: dict[str, Any], _exact: object, name: str, path: str, _depth: int
    ) -> Any:
        if wire.get(name) is None:
            raise NotDeserializable(
                f"{path}{name} is missing; every written state of this class has one", path + name
            )
        return moment.parse(wire[name], path + name)

    def _decode_expiration(
        self, wire: dict[str, Any], _exact: object, name: str, path: str, _depth: int
    ) -> Any:
        text = wire.get(name)
        return None if text is None else moment.parse(text, path + name)

    def _decode_count(
        self, wire: dict[str, Any], _exact: object, name: str, path: str, _depth: int
    ) -> int:
        count = wire.get(name, 1)
        if count is None and name == "run_count":
            return 1
        if type(count) is not int or count < 0:
            raise NotDeserializable(f"{path}{name} is no whole number from 0 up", path + name)
        return count

    def _decode_wrapped(
        self, wire: dict[str, Any], _exact: object, name: str, path: str, depth: int
    ) -> Any:
        inner = wire.get(name)
        if inner is None:
            return None
        state = self.decode_state(inner, f"{path}{name}.", depth + 1)
        if state.is_meta_state():
            raise NotDeserializable(
                f"{path}{name} is a meta state inside a meta state", path + name
            )
        return state

    def _decode_children(
        self, wire: dict[str, Any], _exact: object, name: str, path: str, depth: int
    ) -> list[Any]:
        states = wire.get(name, _MISSING)
        children = states if type(states) is list else ()
        count = wire.get("n_map_states", len(children))
        if type(count) is not int or not 0 <= count <= CHILDREN:
            raise NotDeserializable(
                f"{path}n_map_states is no number from 0 to {CHILDREN}", path + "n_map_states"
            )
        if states is _MISSING:
            return [None] * count
        if children is not states or len(children) != count:
            raise NotDeserializable(
                f"{path}{name} is no list of n_map_states children", path + name
            )
        return [
            None if child is None else self.decode_state(child, f"{path}{name}.{index}.", depth + 1)
            for index, child in enumerate(children)
        ]


class _Value:
    """A cached input that was not wrapped in a result."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _refuse_clock() -> NoReturn:
    raise NotDeserializable("a field of the class reads the clock, which decoding may not")


def _construct(cls: type[Any], schema: Schema, fields: dict[str, Any], path: str) -> Any:
    """Build a state through its constructor: a user's converters and validators run."""
    names = {"_context": "context", "_cached_inputs": "cached_inputs", "_result": "result"}
    names |= {
        attribute: name for name, attribute in (*schema.builtin_fields, *schema.custom_fields)
    }
    try:
        with ambient.hide_context(), ambient.clock(_refuse_clock):
            return cls(**{names.get(name, name): value for name, value in fields.items()})
    except Exception as error:  # converters and validators of a user's class raise anything
        field = error.field if isinstance(error, StateError) else ""
        raise NotDeserializable(
            f"{schema.name} refuses the fields it was written with: {error}", path + field
        ) from error


_DECODE: dict[str, Any] = {
    "cached_parameters": Decoder._decode_any,
    "cached_result_expiration": Decoder._decode_expiration,
    "loop_count": Decoder._decode_count,
    "map_states": Decoder._decode_children,
    "run_count": Decoder._decode_count,
    "start_time": Decoder._decode_start_time,
    "state": Decoder._decode_wrapped,
}
