"""Redaction: what must not be written down, struck out before a journal keeps it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from fsm.errors import InvalidArgument
from fsm.states import NotDeserializable, NotSerializable, codec
from fsm.states.codec import limits
from fsm.states.codec.plain_json import canonical_json

__all__ = ["STRUCK", "Redaction", "as_redaction", "patterns_of"]

STRUCK = "***"

# What the wire itself says in a state or a result; everything else there is the user's.
_FRAME = frozenset(
    {"type", "__version__", "kind", "result_handler", "start_time", "run_count", "loop_count",
     "cached_result_expiration", "n_map_states"}
)  # fmt: skip
_OURS = _FRAME | {
    "_result", "cached_inputs", "cached_parameters", "context", "exact", "location", "map_states",
    "message", "state", "value",
}  # fmt: skip


class Redaction:
    """Patterns, and what they do to texts and payloads.

    Where a text matches, the match becomes `***`; where a name in a context, an input, a result or
    a user's own class matches, all that is under it does. The name itself stays.
    """

    def __init__(self, patterns: Iterable[str | re.Pattern[str]]) -> None:
        self.patterns = tuple(map(_compiled, patterns))

    def text(self, text: str) -> str:
        """Strike the matches out of *text*."""
        for pattern in self.patterns:
            text = pattern.sub(STRUCK, text)
        return text

    def dumps(self, state: Any) -> str:
        """Write a state as JSON, as `fsm.states.dumps` does, without what matches.

        Raises:
            NotSerializable: It cannot be written; names the field.
        """
        text = canonical_json(self.wire(codec.write(state)))
        if len(text) > limits.CHARS:
            raise NotSerializable(f"the state takes more than {limits.CHARS} characters of JSON")
        return text

    def wire(self, wire: dict[str, Any]) -> dict[str, Any]:
        """A written state without what matches, still readable."""
        clean: dict[str, Any] = self._framed(wire)
        try:
            codec.read(clean)
        except NotDeserializable:  # the exact form of a value was hit: its plain form remains
            clean = _without_exact(clean)
            try:
                codec.read(clean)
            except NotDeserializable as error:
                raise NotSerializable(
                    f"what is left, once all that is secret is struck out, is no state: {error}",
                    error.field,
                ) from error
        return clean

    def settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A run's settings without what matches; its policy is numbers, and stays."""
        return {
            name: value if name == "policy" else self._under(name, value)
            for name, value in settings.items()
        }

    def _framed(self, wire: Any) -> Any:
        if not isinstance(wire, dict):
            return self._clean(wire)
        return {name: self._part(name, value) for name, value in wire.items()}

    def _part(self, name: str, value: Any) -> Any:
        if name in _FRAME:
            return value
        if name in ("state", "_result"):
            return self._framed(value)
        if name == "map_states":
            return [self._framed(child) for child in value]
        if name == "cached_inputs" and isinstance(value, dict):
            return {
                key: self._struck(each) if self._matches(key) else self._framed(each)
                for key, each in value.items()
            }
        return self._clean(value) if name in _OURS else self._under(name, value)

    def _under(self, name: str, value: Any) -> Any:
        return STRUCK if self._matches(name) else self._clean(value)

    def _struck(self, result: Any) -> Any:
        """An input whose name matches keeps its frame and loses its value."""
        kept = {name: value for name, value in result.items() if name in _FRAME}
        return kept | ({"value": STRUCK} if "value" in result else {})

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"$dict"}:  # names that are no strings: pairs
            return {"$dict": [self._pair(*pair) for pair in value["$dict"]]}
        if value.keys() == {"$bytes"}:
            known = b64decode(value["$bytes"]).decode("latin-1")
            return STRUCK if self._matches(known) else value
        return {name: self._under(name, each) for name, each in value.items()}

    def _pair(self, name: Any, value: Any) -> list[Any]:
        struck = isinstance(name, str) and self._matches(name)
        return [self._clean(name), STRUCK if struck else self._clean(value)]

    def _matches(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns)


def _without_exact(wire: Any) -> Any:
    if isinstance(wire, dict):
        return {name: _without_exact(value) for name, value in wire.items() if name != "exact"}
    if isinstance(wire, list):
        return [_without_exact(value) for value in wire]
    return wire


def _compiled(pattern: object) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    if not isinstance(pattern, str) or not pattern:
        raise InvalidArgument(f"redact is a list of regular expressions, not {pattern!r}")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidArgument(f"{pattern!r} is no regular expression: {error}") from error


def as_redaction(patterns: object) -> Redaction | None:
    """Take what `redact=` may be given: nothing, patterns, or a redaction.

    Raises:
        InvalidArgument: One of them is no regular expression.
    """
    if patterns is None or isinstance(patterns, Redaction):
        return patterns
    if isinstance(patterns, str) or not isinstance(patterns, Iterable):
        raise InvalidArgument(f"redact is a list of regular expressions, not {patterns!r}")
    return Redaction(patterns) if (patterns := tuple(patterns)) else None


def patterns_of(redaction: Redaction | None) -> tuple[re.Pattern[str], ...]:
    """What may be given as `redact=` to have the same redaction."""
    return () if redaction is None else redaction.patterns
