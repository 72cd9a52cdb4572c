"""Reading values: plain JSON, and the exact form that `exact` writes. Runs nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from fsm.states import moment
from fsm.states.errors import NotDeserializable
from fsm.states.exceptions import ExceptionRecord
from fsm.states.result import NoResult, Result, SafeResult

from .limits import DEPTH
from .plain_json import looks_tagged


class Untagger(ABC):
    """Reads values that `limits.check` has let in."""

    __slots__ = ()

    @abstractmethod
    def state(self, wire: Any, place: str, depth: int) -> Any:
        """Read a state; left to who knows how."""

    def copied(self, value: Any, place: str, depth: int) -> Any:
        """Copy plain JSON."""
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        if depth >= DEPTH:
            raise too_deep(place)
        if kind is list:
            return [self.copied(item, place, depth + 1) for item in value]
        return {name: self.copied(item, place, depth + 1) for name, item in value.items()}

    def untag(self, value: Any, place: str, depth: int) -> Any:
        """Make the value that an exact form describes."""
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        tagged = kind is dict and looks_tagged(value)
        if depth >= DEPTH and not (tagged and next(iter(value)) in _LEAVES):
            raise too_deep(place)
        if kind is list:
            return [self.untag(item, place, depth + 1) for item in value]
        if not tagged:
            return {name: self.untag(item, place, depth + 1) for name, item in value.items()}
        ((tag, inner),) = value.items()
        make = _MADE.get(tag)
        if make is None:
            raise NotDeserializable(f"{place} has the unknown tag {tag[:64]!r}", place)
        return make(self, inner, place, depth)

    def _items(self, value: Any, place: str, depth: int) -> list[Any]:
        if type(value) is not list:
            raise misshapen(place)
        return [self.untag(item, place, depth + 1) for item in value]

    def _tuple(self, value: Any, place: str, depth: int) -> tuple[Any, ...]:
        return tuple(self._items(value, place, depth))

    def _set(self, value: Any, place: str, depth: int) -> set[Any]:
        return set(self._distinct(self._items(value, place, depth), place))

    def _frozenset(self, value: Any, place: str, depth: int) -> frozenset[Any]:
        return frozenset(self._set(value, place, depth))

    def _dict(self, value: Any, place: str, depth: int) -> dict[Any, Any]:
        if type(value) is not list or not all(
            type(pair) is list and len(pair) == 2 for pair in value
        ):
            raise misshapen(place)
        names = self._distinct([self.untag(name, place, depth + 1) for name, _ in value], place)
        return {
            name: self.untag(item, place, depth + 1)
            for name, (_, item) in zip(names, value, strict=True)
        }

    def _distinct(self, items: list[Any], place: str) -> list[Any]:
        try:
            if len(set(items)) == len(items):
                return items
        except TypeError:
            raise NotDeserializable(f"{place} has a key that cannot be one", place) from None
        raise NotDeserializable(f"{place} has the same key twice", place)

    def _bytes(self, value: Any, place: str, _depth: int) -> bytes:
        try:
            return b64decode(text_at(value, place), validate=True)
        except ValueError:
            raise misshapen(place) from None

    def _moment(self, value: Any, place: str, _depth: int) -> Any:
        return moment.parse(value, place)

    def _exception(self, value: Any, place: str, _depth: int) -> ExceptionRecord:
        if type(value) is not dict or value.keys() != {"type", "text", "traceback"}:
            raise misshapen(place)
        lines = value["traceback"]
        if type(lines) is not list:
            raise misshapen(place)
        return ExceptionRecord(
            text_at(value["type"], place),
            text_at(value["text"], place),
            tuple(text_at(line, place) for line in lines),
        )

    def _state(self, value: Any, place: str, depth: int) -> Any:
        return self.state(value, place + ".", depth + 1)

    def _no_result(self, value: Any, place: str, _depth: int) -> Result:
        if value is not True:
            raise misshapen(place)
        return NoResult

    def _result(self, value: Any, place: str, depth: int) -> Result:
        if type(value) is not list or len(value) != 2:
            raise misshapen(place)
        return Result(self.untag(value[0], place, depth + 1), location_at(value[1], place))

    def _safe(self, value: Any, place: str, depth: int) -> SafeResult:
        if type(value) is not list or len(value) != 3:
            raise misshapen(place)
        inner, location, handler = value
        return SafeResult(
            self.untag(inner, place, depth + 1),
            location_at(location, place),
            None if handler is None else self.handler(handler, place, depth + 1),
        )

    def handler(self, wire: Any, place: str, depth: int) -> dict[str, Any]:
        """Read the description of a result's handler."""
        if type(wire) is not dict or type(wire.get("type")) is not str:
            raise NotDeserializable(
                f"{place}.result_handler is no object with a type", f"{place}.result_handler"
            )
        handler: dict[str, Any] = self.copied(wire, f"{place}.result_handler", depth)
        return handler


def text_at(value: Any, place: str) -> str:
    """Take a string."""
    if type(value) is not str:
        raise NotDeserializable(f"{place} is {type(value).__name__}, not a string", place)
    return value


def location_at(value: Any, place: str) -> str | None:
    """Take the location of a result."""
    return None if value is None else text_at(value, f"{place}.location")


def misshapen(place: str) -> NotDeserializable:
    """Say that an exact form is none."""
    return NotDeserializable(f"{place} has a tag around what it cannot mean", place)


def too_deep(place: str) -> NotDeserializable:
    """Say that something nests too deep."""
    return NotDeserializable(f"{place} nests deeper than {DEPTH} levels", place)


_LEAVES = ("$bytes", "$datetime", "$exception")
_MADE: dict[str, Callable[[Untagger, Any, str, int], Any]] = {
    "$bytes": Untagger._bytes,
    "$datetime": Untagger._moment,
    "$dict": Untagger._dict,
    "$exception": Untagger._exception,
    "$frozenset": Untagger._frozenset,
    "$noresult": Untagger._no_result,
    "$result": Untagger._result,
    "$safe": Untagger._safe,
    "$set": Untagger._set,
    "$state": Untagger._state,
    "$tuple": Untagger._tuple,
}
