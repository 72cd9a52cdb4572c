"""The exact form of a value: JSON, with a tag wherever plain JSON would lose what it was.

A tag is a dict with one name that starts with `$`, such as `{"$tuple": [1, 2]}`; a dict that
only looks like one is written as `$dict`. What is plain JSON stays as it is.
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
from fsm.states.exceptions import ExceptionRecord, recorded
from fsm.states.result import NoResult, Result, SafeResult

from .limits import CHARS, DEPTH, INTEGERS, ITEMS, is_clean, shown
from .plain_json import canonical, looks_tagged, lossy


class Richer(Exception):
    """A value is more than plain JSON can say."""


class TooMuch(Richer):
    """A value is more than the wire can hold."""


class Tagger(ABC):
    """Writes values, and counts what it writes so that shared ones cannot explode."""

    __slots__ = ("chars", "items")

    def __init__(self) -> None:
        self.items = 0
        self.chars = 0

    @abstractmethod
    def state(self, state: Any, place: str, depth: int) -> dict[str, Any]:
        """Write a state; left to who knows how."""

    def said(self, value: Any, place: str, depth: int) -> tuple[Any, Any]:
        """Write a value plainly, and exactly where that says more, else None."""
        spent = self.items, self.chars
        try:
            return self.plain(value, depth), None
        except TooMuch:
            self._spend(0, 0, place)
        except Richer:
            self.items, self.chars = spent
        exact = self.tag(value, place, depth)
        return lossy(exact), exact

    def plain(self, value: Any, depth: int) -> Any:
        """Copy plain JSON, or raise Richer."""
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
                raise TooMuch
            if kind is list:
                return [self.plain(item, depth + 1) for item in value]
            return {self._name(name): self.plain(value[name], depth + 1) for name in value}
        raise Richer

    def _name(self, name: Any) -> str:
        if type(name) is str:
            self.chars += len(name)
            if self.chars <= CHARS and is_clean(name):
                return name
        raise Richer

    def tag(self, value: Any, place: str, depth: int) -> Any:
        """Write a value exactly.

        Raises:
            NotSerializable: It cannot be; names the place.
        """
        kind = type(value)
        if kind is str:
            return self.text(value, place)
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return _number(value, place)
        if kind is bytes:
            self._spend(0, len(value) * 4 // 3, place)
            return {"$bytes": b64encode(value).decode()}
        if isinstance(value, datetime):
            return {"$datetime": _moment(value, place)}
        if isinstance(value, (ExceptionRecord, BaseException)):
            return {"$exception": self._exception(value, place)}
        if depth >= DEPTH:
            raise NotSerializable(
                f"{place} nests deeper than {DEPTH} levels; a cycle does, too", place
            )
        if isinstance(value, Result):
            return self._result(value, place, depth)
        if registry.holds(kind):
            return {"$state": self.state(value, place + ".", depth + 1)}
        return self._container(value, place, depth)

    def text(self, value: str, place: str) -> str:
        """Take a string as it is, if it is clean."""
        self._spend(0, len(value), place)
        if not is_clean(value):
            raise NotSerializable(
                f"{place} holds NUL or a lone surrogate; write such data as bytes", place
            )
        return value

    def _container(self, value: Any, place: str, depth: int) -> Any:
        kind = type(value)
        if kind not in (list, tuple, set, frozenset, dict):
            raise NotSerializable(
                f"{place} holds {kind.__name__}, which cannot be written exactly; "
                "give plain data, or a Result that says where it is kept",
                place,
            )
        self._spend(len(value), 0, place)
        if kind is dict:
            return self._dict(value, place, depth)
        items = self._items(value, place, depth)
        if kind is list:
            return items
        if kind is tuple:
            return {"$tuple": items}
        return {"$set" if kind is set else "$frozenset": sorted(items, key=canonical)}

    def _items(self, values: Iterable[Any], place: str, depth: int) -> list[Any]:
        return [
            self.tag(value, f"{place}.{index}", depth + 1) for index, value in enumerate(values)
        ]

    def _dict(self, value: dict[Any, Any], place: str, depth: int) -> dict[str, Any]:
        pairs = [
            [
                self.tag(name, f"{place} key", depth + 1),
                self.tag(item, f"{place}.{_shown(name)}", depth + 1),
            ]
            for name, item in value.items()
        ]
        if all(type(name) is str for name, _ in pairs) and not looks_tagged(value):
            return dict(pairs)
        return {"$dict": sorted(pairs, key=lambda pair: canonical(pair[0]))}

    def _result(self, result: Result, place: str, depth: int) -> dict[str, Any]:
        if result is NoResult:
            return {"$noresult": True}
        parts = [self.tag(result.value, place, depth + 1), self.location(result, place)]
        if type(result) is SafeResult:
            return {"$safe": [*parts, self.handler(result, place, depth + 1)]}
        if type(result) is Result:
            return {"$result": parts}
        raise NotSerializable(
            f"{place} is a {type(result).__name__}; only Result and SafeResult can be written",
            place,
        )

    def location(self, result: Result, place: str) -> str | None:
        """Write where a result is kept."""
        location: Any = result.location
        if location is None:
            return None
        if not isinstance(location, str) or type(location) is not str:
            raise NotSerializable(
                f"{place}.location is {type(location).__name__}; give a string or None",
                f"{place}.location",
            )
        return self.text(location, f"{place}.location")

    def handler(self, result: SafeResult, place: str, depth: int) -> Any:
        """Write a result's handler as it was described to us."""
        place += ".result_handler"
        if result.result_handler is None:
            return None
        try:
            written = self.plain(dict(result.result_handler), depth)
        except Richer:
            raise NotSerializable(f"{place} is more than plain JSON can say", place) from None
        if type(written.get("type")) is not str:
            raise NotSerializable(f"{place} has no type; the wire wants its name there", place)
        return written

    def _exception(self, error: ExceptionRecord | BaseException, place: str) -> dict[str, Any]:
        record = error if isinstance(error, ExceptionRecord) else recorded(error)
        lines: Any = record.traceback
        said: list[Any] = [record.type, record.text]
        said += lines if type(lines) is tuple else [None]
        if not all(type(part) is str for part in said):
            raise NotSerializable(f"{place} is a record of something else than text", place)
        type_, text, *traceback = [self.text(part, place) for part in said]
        return {"type": type_, "text": text, "traceback": traceback}

    def _spend(self, items: int, chars: int, place: str) -> None:
        self.items += items
        self.chars += chars
        if self.items > ITEMS or self.chars > CHARS:
            raise NotSerializable(
                f"{place} makes the state too big; keep it elsewhere, and give its location", place
            )


def _number(value: int | float, place: str) -> int | float:
    if value in INTEGERS if isinstance(value, int) else isfinite(value):
        return value
    shown = "an integer beyond 64 bits" if isinstance(value, int) else repr(value)
    raise NotSerializable(f"{place} holds {shown}, which JSON cannot say", place)


def _moment(value: datetime, place: str) -> str:
    try:
        if value.utcoffset() is not None:
            return moment.format(moment.as_moment(value, place))
    except InvalidPayload as error:
        raise NotSerializable(str(error), place) from error
    raise NotSerializable(
        f"{place} holds a naive datetime, which is no point in time; give it a tzinfo", place
    )


def _shown(name: Any) -> str:
    return shown(name) if type(name) is str else type(name).__name__
