"""Reading: the state that a dict describes, ours or the reference's.

Law: reading asks neither the clock nor the ambient context, and runs nothing it was sent.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fsm.states import ambient, moment, registry
from fsm.states.errors import NotDeserializable, StateError
from fsm.states.result import NoResult, Result, SafeResult

from .decode_values import Untagger, location_at, text_at, too_deep
from .limits import CHILDREN, DEPTH, shown
from .schema import Form, form_of

_RESULT = frozenset(("type", "__version__", "value", "result_handler", "location", "kind", "exact"))
_NOTHING: dict[str, Any] = {}  # stands for what is missing, and is empty where that reads well
_EVERYONES = ("message", "context", "cached_inputs")
_NAMES = (dict, type(None))


class Reader(Untagger):
    """Reads one state and all that is in it."""

    __slots__ = ()

    def state(self, wire: Any, place: str, depth: int) -> Any:
        """Read a state; *place* is the dotted path before its fields' names."""
        if type(wire) is not dict:
            at = place[:-1]
            raise NotDeserializable(f"{at or 'the state'} is {type(wire).__name__}, no object", at)
        if depth > DEPTH:
            raise too_deep(place[:-1])
        cls = registry.get(text_at(wire.get("type"), place + "type"), place + "type")
        form = form_of(cls)
        if not wire.keys() <= form.known:
            field = place + shown(min(wire.keys() - form.known))
            raise NotDeserializable(f"{field} is no field of {form.name}", field)
        exact = wire.get("exact", _NOTHING)
        if exact is not _NOTHING and (type(exact) is not dict or not exact.keys() <= form.exact):
            raise NotDeserializable(f"{place}exact is not what {form.name} writes", place + "exact")
        return self._made(cls, form, self._fields(form, wire, exact, place, depth), place)

    def _fields(
        self, form: Form, wire: dict[str, Any], exact: dict[str, Any], place: str, depth: int
    ) -> dict[str, Any]:
        """Read the fields by the names of their attributes."""
        message, names, inputs = map(wire.get, _EVERYONES)
        fields: dict[str, Any] = {"message": message, "_context": None, "_cached_inputs": None}
        if message is not None or exact:
            fields["message"] = self._message(message, exact, place, depth)
        if names or exact or type(names) not in _NAMES:
            fields["_context"] = self._context(wire, exact, place, depth)
        if inputs or type(inputs) not in _NAMES:
            fields["_cached_inputs"] = self._inputs(inputs, place + "cached_inputs", depth)
        if not form.mapped:
            result = wire.get("_result", _NOTHING)
            fields["_result"] = (
                NoResult if result is _NOTHING else self.result(result, place + "result", depth)
            )
        for name, attribute in form.own:
            fields[attribute] = _OWN[name](self, wire, exact, name, place, depth)
        for name, attribute in form.extra:
            if name in wire:
                fields[attribute] = self._any(wire, exact, name, place, depth)
        return fields

    def _made(self, cls: type[Any], form: Form, fields: dict[str, Any], place: str) -> Any:
        if form.constructed:
            return _constructed(cls, form, fields, place)
        state = object.__new__(cls)
        put = form.put
        for name, value in fields.items():
            put[name](state, value)
        return state

    def result(self, wire: Any, place: str, depth: int) -> Result:
        """Read a result object; one marked as a mere value is refused."""
        result = self._result_or_value(wire, place, depth)
        if isinstance(result, Result):
            return result
        raise NotDeserializable(f"{place} is marked as a value, not a result", place)

    def _result_or_value(self, wire: Any, place: str, depth: int) -> Result | _Value:
        if type(wire) is not dict or not wire.keys() <= _RESULT:
            raise NotDeserializable(f"{place} is no result object", place)
        kind = wire.get("type")
        if kind == "NoResultType":
            return NoResult
        if kind == "SafeResult":
            return self._valued(wire, place, depth)
        if kind == "Result":  # as releases from 0.11 write it: where the value is, not what
            return Result(None, location_at(wire.get("location"), place))
        said = shown(kind) if type(kind) is str else type(kind).__name__
        raise NotDeserializable(
            f"{place} is a {said}; only SafeResult, Result and NoResultType can be read", place
        )

    def _valued(self, wire: dict[str, Any], place: str, depth: int) -> Result | _Value:
        if "value" not in wire:
            raise NotDeserializable(f"{place} has no value", place)
        handler = self.handler(wire.get("result_handler"), place, depth)
        if "exact" in wire:
            value = self.untag(wire["exact"], place, depth)
        else:
            value = self.copied(wire["value"], place, depth)
        location = location_at(wire.get("location"), place)
        kind = wire.get("kind", "")
        if kind == "Result":
            return Result(value, location)
        if kind == "" or kind == "SafeResult":
            return SafeResult(value, location, None if kind else handler)
        if kind == "value" and location is None:
            return _Value(value)
        raise NotDeserializable(f"{place} is of no kind of result there is", place)

    def _message(self, message: Any, exact: dict[str, Any], place: str, depth: int) -> Any:
        if message is not None:
            text_at(message, place + "message")
        if "message" in exact:
            return self.untag(exact["message"], place + "message", depth)
        return message

    def _context(self, wire: dict[str, Any], exact: dict[str, Any], place: str, depth: int) -> Any:
        names = self._any(wire, exact, "context", place, depth)
        if names is not None and type(names) is not dict:
            raise NotDeserializable(f"{place}context is no object", place + "context")
        return names or None

    def _inputs(self, names: Any, place: str, depth: int) -> Any:
        if type(names) is not dict:
            raise NotDeserializable(f"{place} is no object", place)
        inputs: dict[str, Any] = {}
        for name, wire in names.items():
            result = self._result_or_value(wire, f"{place}.{shown(name)}", depth + 1)
            inputs[name] = result if isinstance(result, Result) else result.value
        return inputs

    def _any(
        self, wire: dict[str, Any], exact: dict[str, Any], name: str, place: str, depth: int
    ) -> Any:
        if name in exact:
            return self.untag(exact[name], place + name, depth)
        return self.copied(wire.get(name), place + name, depth)

    def _start(
        self, wire: dict[str, Any], _exact: object, name: str, place: str, _depth: int
    ) -> Any:
        if wire.get(name) is None:
            raise NotDeserializable(
                f"{place}{name} is missing; a state that was written has one", place + name
            )
        return moment.parse(wire[name], place + name)

    def _expiration(
        self, wire: dict[str, Any], _exact: object, name: str, place: str, _depth: int
    ) -> Any:
        text = wire.get(name)
        return None if text is None else moment.parse(text, place + name)

    def _count(
        self, wire: dict[str, Any], _exact: object, name: str, place: str, _depth: int
    ) -> int:
        count = wire.get(name, 1)
        if count is None and name == "run_count":
            return 1
        if type(count) is not int or count < 0:
            raise NotDeserializable(f"{place}{name} is no whole number from 0 up", place + name)
        return count

    def _wrapped(
        self, wire: dict[str, Any], _exact: object, name: str, place: str, depth: int
    ) -> Any:
        inner = wire.get(name)
        if inner is None:
            return None
        state = self.state(inner, f"{place}{name}.", depth + 1)
        if state.is_meta_state():
            raise NotDeserializable(
                f"{place}{name} is a meta state inside a meta state", place + name
            )
        return state

    def _children(
        self, wire: dict[str, Any], _exact: object, name: str, place: str, depth: int
    ) -> list[Any]:
        states = wire.get(name, _NOTHING)
        found = states if type(states) is list else ()
        count = wire.get("n_map_states", len(found))
        if type(count) is not int or not 0 <= count <= CHILDREN:
            raise NotDeserializable(
                f"{place}n_map_states is no number from 0 to {CHILDREN}", place + "n_map_states"
            )
        if states is _NOTHING:
            return [None] * count
        if found is not states or len(found) != count:
            raise NotDeserializable(
                f"{place}{name} is no list of n_map_states children", place + name
            )
        return [
            None if child is None else self.state(child, f"{place}{name}.{index}.", depth + 1)
            for index, child in enumerate(found)
        ]


class _Value:
    """A cached input that was not wrapped in a result."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _no_time() -> NoReturn:
    raise NotDeserializable("a field asks for the time, which reading does not know")


def _constructed(cls: type[Any], form: Form, fields: dict[str, Any], place: str) -> Any:
    names = {"_context": "context", "_cached_inputs": "cached_inputs", "_result": "result"}
    names |= {attribute: name for name, attribute in (*form.own, *form.extra)}
    try:
        with ambient.sealed(), ambient.clock(_no_time):
            return cls(**{names.get(name, name): value for name, value in fields.items()})
    except Exception as error:  # converters and validators of a user's class raise what they like
        field = error.field if isinstance(error, StateError) else ""
        raise NotDeserializable(
            f"{form.name} refuses what it was written with: {error}", place + field
        ) from error


_OWN: dict[str, Any] = {
    "cached_parameters": Reader._any,
    "cached_result_expiration": Reader._expiration,
    "loop_count": Reader._count,
    "map_states": Reader._children,
    "run_count": Reader._count,
    "start_time": Reader._start,
    "state": Reader._wrapped,
}
