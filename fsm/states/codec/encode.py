"""Writing: a state as a dict ready for JSON, in the form the reference reads.

What that form cannot say goes into an `exact` entry beside it, which the reference ignores.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fsm.states import moment
from fsm.states.errors import InvalidPayload, NotSerializable
from fsm.states.result import NoResult, Result, SafeResult

from .encode_values import Tagger
from .limits import CHILDREN, DEPTH, INTEGERS, shown
from .plain_json import as_text
from .schema import VERSION, form_of

_Wire = dict[str, Any]


class Writer(Tagger):
    """Writes one state and all that is in it."""

    __slots__ = ()

    def state(self, state: Any, place: str, depth: int) -> _Wire:
        """Write a state; *place* is the dotted path before its fields' names."""
        if depth > DEPTH:
            raise NotSerializable(f"{place}state nests deeper than {DEPTH} levels", place + "state")
        form = form_of(type(state), place[:-1])
        message = state.message
        self.items += 8
        wire: _Wire = {"type": form.name, "__version__": VERSION, "message": message}
        exact: _Wire = {}
        if message is not None:
            self._message(message, place, depth, wire, exact)
        names = state._context
        wire["context"] = self._context(names, place, depth, exact) if names else {}
        names = state._cached_inputs
        wire["cached_inputs"] = self._inputs(names, place, depth) if names else {}
        if not form.mapped:
            wire["_result"] = self.result(state._result, place + "result", depth)
        for name, attribute in form.own:
            _OWN[name](self, wire, getattr(state, attribute), place + name, depth, exact)
        for name, attribute in form.extra:
            self._any(wire, name, getattr(state, attribute), place, depth, exact)
        if exact:
            wire["exact"] = exact
        return wire

    def result(self, result: Result, place: str, depth: int) -> _Wire:
        """Write a result object.

        The reference knows values in the safe form only, under a handler: what is none of its
        own says so in `kind`.
        """
        if result is NoResult:
            return {"type": "NoResultType", "__version__": VERSION}
        kind = type(result)
        if kind is Result:
            wire = self._valued(result.value, place, depth, "Result")
        elif kind is SafeResult and isinstance(result, SafeResult):
            wire = self._valued(result.value, place, depth, "SafeResult")
            handler = self.handler(result, place, depth)
            if handler is not None:
                wire["result_handler"] = handler
                del wire["kind"]
        else:
            raise NotSerializable(
                f"{place} is a {kind.__name__}; only Result and SafeResult can be written", place
            )
        if result.location is not None:
            wire["location"] = self.location(result, place)
        return wire

    def _valued(self, value: Any, place: str, depth: int, kind: str) -> _Wire:
        plain, exact = self.said(value, place, depth)
        wire = {
            "type": "SafeResult",
            "__version__": VERSION,
            "value": plain,
            "result_handler": {"type": "JSONResultHandler", "__version__": VERSION},
            "kind": kind,
        }
        if exact is not None:
            wire["exact"] = exact
        return wire

    def _message(self, message: Any, place: str, depth: int, wire: _Wire, exact: _Wire) -> None:
        place += "message"
        if type(message) is str:
            self.text(message, place)
            return
        plain, tagged = self.said(message, place, depth)
        exact["message"] = self.tag(message, place, depth) if tagged is None else tagged
        wire["message"] = as_text(message, plain, exact["message"])

    def _context(self, names: Mapping[Any, Any], place: str, depth: int, exact: _Wire) -> Any:
        plain, tagged = self.said(names, place + "context", depth)
        if tagged is not None:
            exact["context"] = tagged
        return plain

    def _inputs(self, names: Mapping[Any, Any], place: str, depth: int) -> _Wire:
        place += "cached_inputs"
        wire: _Wire = {}
        for name, value in names.items():
            if type(name) is not str:
                raise NotSerializable(
                    f"{place} has a name of type {type(name).__name__}; names are strings", place
                )
            at = f"{place}.{shown(self.text(name, place))}"
            self.items += 4
            if isinstance(value, Result):
                wire[name] = self.result(value, at, depth + 1)
            else:
                wire[name] = self._valued(value, at, depth + 1, "value")
        return wire

    def _any(
        self, wire: _Wire, name: str, value: Any, place: str, depth: int, exact: _Wire
    ) -> None:
        wire[name], tagged = self.said(value, place + name, depth)
        if tagged is not None:
            exact[name] = tagged

    def _moment(self, wire: _Wire, value: Any, place: str, _depth: int, _exact: _Wire) -> None:
        name = place.rpartition(".")[2]
        if value is None and name != "start_time":
            wire[name] = None
        elif not isinstance(value, datetime):
            raise NotSerializable(f"{place} is {type(value).__name__}, not a moment", place)
        else:
            try:
                wire[name] = moment.format(moment.as_moment(value, place))
            except InvalidPayload as error:
                raise NotSerializable(str(error), place) from error

    def _count(self, wire: _Wire, value: Any, place: str, _depth: int, _exact: _Wire) -> None:
        if type(value) is not int or value < 0 or value not in INTEGERS:
            raise NotSerializable(f"{place} is no count that 64 bits hold", place)
        wire[place.rpartition(".")[2]] = value

    def _wrapped(self, wire: _Wire, value: Any, place: str, depth: int, _exact: _Wire) -> None:
        wire["state"] = None if value is None else self.state(value, place + ".", depth + 1)

    def _children(self, wire: _Wire, value: Any, place: str, depth: int, _exact: _Wire) -> None:
        if len(value) > CHILDREN:
            raise NotSerializable(f"{place} has more than {CHILDREN} children", place)
        self._spend(len(value), 0, place)
        wire["n_map_states"] = len(value)
        wire["map_states"] = [
            None if child is None else self.state(child, f"{place}.{index}.", depth + 1)
            for index, child in enumerate(value)
        ]

    def _parameters(self, wire: _Wire, value: Any, place: str, depth: int, exact: _Wire) -> None:
        self._any(
            wire, "cached_parameters", value, place[: -len("cached_parameters")], depth, exact
        )


_OWN: dict[str, Any] = {
    "cached_parameters": Writer._parameters,
    "cached_result_expiration": Writer._moment,
    "loop_count": Writer._count,
    "map_states": Writer._children,
    "run_count": Writer._count,
    "start_time": Writer._moment,
    "state": Writer._wrapped,
}
