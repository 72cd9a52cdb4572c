"""Encode values: as JSON, with a type tag wherever plain JSON would lose the type.

A tag is a dict with one key that starts with `$`, such as `{"$tuple": [1, 2]}`. A dict that only
looks like one is written as `$dict`. What is plain JSON stays as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Any

from fsm.states import moment, registry
from fsm.states.errors import InvalidPayload, NotSerializable
from fsm.states.exceptions import ExceptionRecord, record_exception
from fsm.states.result import NoResult, Result, SafeResult

from .limits import CHARS, DEPTH, INTEGERS, ITEMS, is_clean, shorten
from .plain_json import canonical_json, looks_tagged, strip_tags


class NeedsTags(Exception):
    """A value is no plain JSON, or exceeds a limit."""


class TooLarge(NeedsTags):
    """A value has more items than a state may have."""


class ValueEncoder(ABC):
    """Encodes values, and counts what it writes: a shared object counts each time it occurs."""

    __slots__ = ("chars", "items")

    items: int  # keys and elements so far
    chars: int  # characters of text so far

    def __init__(self) -> None:
        self.items = 0
        self.chars = 0

    @abstractmethod
    def encode_state(self, state: Any, path: str, depth: int) -> dict[str, Any]:
        """Encode a state inside a value."""

    def add_items(self, count: int) -> None:
        """Count items that are written without a check; `limits.check` follows at the end."""
        self.items += count

    def encode_both(self, value: Any, path: str, depth: int) -> tuple[Any, Any]:
        """Encode a value as plain and as tagged JSON.

        Returns:
            Plain JSON, and tagged JSON or None if the value is plain JSON already.
        """
        before = self.items, self.chars
        try:
            return self.copy_json(value, depth), None
        except TooLarge:
            self._count(0, 0, path)
        except NeedsTags:
            self.items, self.chars = before
        tagged = self.encode(value, path, depth)
        return strip_tags(tagged), tagged

    def copy_json(self, value: Any, depth: int) -> Any:
        """Copy plain JSON.

        Raises:
            NeedsTags: It is no plain JSON.
        """
        kind = type(value)
        if kind is str:
            self.chars += len(value)
            if self.chars <= CHARS and is_clean(value):
                return value
        elif value is None or kind is bool:
            return value
        elif kind is int:
            if value in INTEGERS:
                return value
        elif kind is float:
            if isfinite(value):
                return value
        elif depth < DEPTH and (kind is dict or kind is list):
            self.items += len(value)
            if self.items > ITEMS:
                raise TooLarge
            if kind is list:
                return [self.copy_json(item, depth + 1) for item in value]
            return {self._copy_key(name): self.copy_json(value[name], depth + 1) for name in value}
        raise NeedsTags

    def _copy_key(self, name: Any) -> str:
        if type(name) is str:
            self.chars += len(name)
            if self.chars <= CHARS and is_clean(name):
                return name
        raise NeedsTags

    def encode(self, value: Any, path: str, depth: int) -> Any:
        """Encode a value as tagged JSON.

        Raises:
            NotSerializable: It cannot be written exactly; names the path.
        """
        kind = type(value)
        if kind is str:
            return self.encode_text(value, path)
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return _check_number(value, path)
        if kind is bytes:
            self._count(0, len(value) * 4 // 3, path)
            return {"$bytes": b64encode(value).decode()}
        if isinstance(value, datetime):
            return {"$datetime": _format_moment(value, path)}
        if isinstance(value, (ExceptionRecord, BaseException)):
            return {"$exception": self._encode_exception(value, path)}
        if depth >= DEPTH:
            raise NotSerializable(
                f"{path} nests deeper than {DEPTH} levels, or contains itself", path
            )
        if isinstance(value, Result):
            return self._tag_result(value, path, depth)
        if registry.is_registered(kind):
            return {"$state": self.encode_state(value, path + ".", depth + 1)}
        return self._encode_container(value, path, depth)

    def encode_text(self, value: str, path: str) -> str:
        """Return a string as it is, if every database and JSON reader takes it."""
        self._count(0, len(value), path)
        if not is_clean(value):
            raise NotSerializable(
                f"{path} holds NUL or a lone surrogate; write such data as bytes", path
            )
        return value

    def _encode_container(self, value: Any, path: str, depth: int) -> Any:
        kind = type(value)
        if kind not in (list, tuple, set, frozenset, dict):
            raise NotSerializable(
                f"{path} holds {kind.__name__}, which cannot be written exactly; "
                "give plain data, or a Result with the location where it is kept",
                path,
            )
        self._count(len(value), 0, path)
        if kind is dict:
            return self._encode_dict(value, path, depth)
        items = self._encode_items(value, path, depth)
        if kind is list:
            return items
        if kind is tuple:
            return {"$tuple": items}
        return {"$set" if kind is set else "$frozenset": sorted(items, key=canonical_json)}

    def _encode_items(self, values: Iterable[Any], path: str, depth: int) -> list[Any]:
        return [
            self.encode(value, f"{path}.{index}", depth + 1) for index, value in enumerate(values)
        ]

    def _encode_dict(self, value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        pairs = [
            [
                self.encode(name, f"{path} key", depth + 1),
                self.encode(item, f"{path}.{_describe_key(name)}", depth + 1),
            ]
            for name, item in value.items()
        ]
        if all(type(name) is str for name, _ in pairs) and not looks_tagged(value):
            return dict(pairs)
        return {"$dict": sorted(pairs, key=lambda pair: canonical_json(pair[0]))}

    def _tag_result(self, result: Result, path: str, depth: int) -> dict[str, Any]:
        if result is NoResult:
            return {"$noresult": True}
        parts = [self.encode(result.value, path, depth + 1), self.encode_location(result, path)]
        if type(result) is SafeResult:
            return {"$safe": [*parts, self.encode_handler(result, path, depth + 1)]}
        if type(result) is Result:
            return {"$result": parts}
        raise NotSerializable(
            f"{path} is a {type(result).__name__}; only Result and SafeResult can be written", path
        )

    def encode_location(self, result: Result, path: str) -> str | None:
        """Encode where a result is kept."""
        location: Any = result.location
        if location is None:
            return None
        if not isinstance(location, str) or type(location) is not str:
            raise NotSerializable(
                f"{path}.location is {type(location).__name__}; give a string or None",
                f"{path}.location",
            )
        return self.encode_text(location, f"{path}.location")

    def encode_handler(self, result: SafeResult, path: str, depth: int) -> Any:
        """Encode the description of a result's handler."""
        path += ".result_handler"
        if result.result_handler is None:
            return None
        try:
            handler = self.copy_json(dict(result.result_handler), depth)
        except NeedsTags:
            raise NotSerializable(f"{path} is no plain JSON", path) from None
        if type(handler.get("type")) is not str:
            raise NotSerializable(f"{path} has no type; give the handler's name there", path)
        return handler

    def _encode_exception(
        self, error: ExceptionRecord | BaseException, path: str
    ) -> dict[str, Any]:
        record = error if isinstance(error, ExceptionRecord) else record_exception(error)
        lines: Any = record.traceback
        parts: list[Any] = [record.type, record.text]
        parts += lines if type(lines) is tuple else [None]
        if not all(type(part) is str for part in parts):
            raise NotSerializable(f"{path} is an ExceptionRecord of something else than text", path)
        type_, text, *traceback = [self.encode_text(part, path) for part in parts]
        return {"type": type_, "text": text, "traceback": traceback}

    def _count(self, items: int, chars: int, path: str) -> None:
        self.items += items
        self.chars += chars
        if self.items > ITEMS or self.chars > CHARS:
            raise NotSerializable(
                f"{path} makes the state too big; keep it elsewhere, and give its location", path
            )


def _check_number(value: int | float, path: str) -> int | float:
    if value in INTEGERS if isinstance(value, int) else isfinite(value):
        return value
    number = "an integer beyond 64 bits" if isinstance(value, int) else repr(value)
    raise NotSerializable(f"{path} holds {number}, which JSON cannot express", path)


def _format_moment(value: datetime, path: str) -> str:
    try:
        if value.utcoffset() is not None:
            return moment.format(moment.as_moment(value, path))
    except InvalidPayload as error:
        raise NotSerializable(str(error), path) from error
    raise NotSerializable(
        f"{path} holds a naive datetime, which is no point in time; give it a tzinfo", path
    )


def _describe_key(name: Any) -> str:
    return shorten(name) if type(name) is str else type(name).__name__
