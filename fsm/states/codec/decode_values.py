"""Decode values: plain JSON, and the tagged JSON that `encode_values` writes. Runs nothing."""

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


class ValueDecoder(ABC):
    """Decodes values that `limits.check` has accepted."""

    __slots__ = ()

    @abstractmethod
    def decode_state(self, wire: Any, path: str, depth: int) -> Any:
        """Decode a state inside a value."""

    def copy_json(self, value: Any, path: str, depth: int) -> Any:
        """Copy plain JSON."""
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        if depth >= DEPTH:
            raise depth_error(path)
        if kind is list:
            return [self.copy_json(item, path, depth + 1) for item in value]
        return {name: self.copy_json(item, path, depth + 1) for name, item in value.items()}

    def decode(self, tagged: Any, path: str, depth: int) -> Any:
        """Build the value that tagged JSON describes."""
        kind = type(tagged)
        if kind is not dict and kind is not list:
            return tagged
        has_tag = kind is dict and looks_tagged(tagged)
        if depth >= DEPTH and not (has_tag and next(iter(tagged)) in _LEAVES):
            raise depth_error(path)
        if kind is list:
            return [self.decode(item, path, depth + 1) for item in tagged]
        if not has_tag:
            return {name: self.decode(item, path, depth + 1) for name, item in tagged.items()}
        ((tag, inner),) = tagged.items()
        decode = _DECODE.get(tag)
        if decode is None:
            raise NotDeserializable(f"{path} has the unknown tag {tag[:64]!r}", path)
        return decode(self, inner, path, depth)

    def _decode_items(self, value: Any, path: str, depth: int) -> list[Any]:
        if type(value) is not list:
            raise tag_error(path)
        return [self.decode(item, path, depth + 1) for item in value]

    def _decode_tuple(self, value: Any, path: str, depth: int) -> tuple[Any, ...]:
        return tuple(self._decode_items(value, path, depth))

    def _decode_set(self, value: Any, path: str, depth: int) -> set[Any]:
        return set(_check_distinct(self._decode_items(value, path, depth), path))

    def _decode_frozenset(self, value: Any, path: str, depth: int) -> frozenset[Any]:
        return frozenset(self._decode_set(value, path, depth))

    def _decode_dict(self, value: Any, path: str, depth: int) -> dict[Any, Any]:
        if type(value) is not list or not all(
            type(pair) is list and len(pair) == 2 for pair in value
        ):
            raise tag_error(path)
        names = _check_distinct([self.decode(name, path, depth + 1) for name, _ in value], path)
        return {
            name: self.decode(item, path, depth + 1)
            for name, (_, item) in zip(names, value, strict=True)
        }

    def _decode_bytes(self, value: Any, path: str, _depth: int) -> bytes:
        try:
            return b64decode(as_string(value, path), validate=True)
        except ValueError:
            raise tag_error(path) from None

    def _decode_moment(self, value: Any, path: str, _depth: int) -> Any:
        return moment.parse(value, path)

    def _decode_exception(self, value: Any, path: str, _depth: int) -> ExceptionRecord:
        if type(value) is not dict or value.keys() != {"type", "text", "traceback"}:
            raise tag_error(path)
        lines = value["traceback"]
        if type(lines) is not list:
            raise tag_error(path)
        return ExceptionRecord(
            as_string(value["type"], path),
            as_string(value["text"], path),
            tuple(as_string(line, path) for line in lines),
        )

    def _decode_state(self, value: Any, path: str, depth: int) -> Any:
        return self.decode_state(value, path + ".", depth + 1)

    def _decode_no_result(self, value: Any, path: str, _depth: int) -> Result:
        if value is not True:
            raise tag_error(path)
        return NoResult

    def _decode_result(self, value: Any, path: str, depth: int) -> Result:
        if type(value) is not list or len(value) != 2:
            raise tag_error(path)
        return Result(self.decode(value[0], path, depth + 1), as_location(value[1], path))

    def _decode_safe_result(self, value: Any, path: str, depth: int) -> SafeResult:
        if type(value) is not list or len(value) != 3:
            raise tag_error(path)
        inner, location, handler = value
        return SafeResult(
            self.decode(inner, path, depth + 1),
            as_location(location, path),
            None if handler is None else self.decode_handler(handler, path, depth + 1),
        )

    def decode_handler(self, wire: Any, path: str, depth: int) -> dict[str, Any]:
        """Decode the description of a result's handler."""
        if type(wire) is not dict or type(wire.get("type")) is not str:
            raise NotDeserializable(
                f"{path}.result_handler is no object with a type", f"{path}.result_handler"
            )
        handler: dict[str, Any] = self.copy_json(wire, f"{path}.result_handler", depth)
        return handler


def _check_distinct(items: list[Any], path: str) -> list[Any]:
    try:
        if len(set(items)) == len(items):
            return items
    except TypeError:
        raise NotDeserializable(
            f"{path} has a key or an element that cannot be hashed", path
        ) from None
    raise NotDeserializable(f"{path} has the same key or element twice", path)


def as_string(value: Any, path: str) -> str:
    """Return *value* if it is a string."""
    if type(value) is not str:
        raise NotDeserializable(f"{path} is {type(value).__name__}, not a string", path)
    return value


def as_location(value: Any, path: str) -> str | None:
    """Return the location of a result: a string or None."""
    return None if value is None else as_string(value, f"{path}.location")


def tag_error(path: str) -> NotDeserializable:
    """Return the error for a tag whose content does not fit it."""
    return NotDeserializable(f"{path} has a tag with content that does not fit it", path)


def depth_error(path: str) -> NotDeserializable:
    """Return the error for a value that nests too deep."""
    return NotDeserializable(f"{path} nests deeper than {DEPTH} levels", path)


_LEAVES = ("$bytes", "$datetime", "$exception")
_DECODE: dict[str, Callable[[ValueDecoder, Any, str, int], Any]] = {
    "$bytes": ValueDecoder._decode_bytes,
    "$datetime": ValueDecoder._decode_moment,
    "$dict": ValueDecoder._decode_dict,
    "$exception": ValueDecoder._decode_exception,
    "$frozenset": ValueDecoder._decode_frozenset,
    "$noresult": ValueDecoder._decode_no_result,
    "$result": ValueDecoder._decode_result,
    "$safe": ValueDecoder._decode_safe_result,
    "$set": ValueDecoder._decode_set,
    "$state": ValueDecoder._decode_state,
    "$tuple": ValueDecoder._decode_tuple,
}
