"""Redaction: masks what must not be kept, before a journal writes it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from fsm.errors import InvalidArgument
from fsm.states import NotDeserializable, NotSerializable, codec
from fsm.states.codec import limits
from fsm.states.codec.plain_json import canonical_json

__all__ = ["MASK", "Redaction", "as_redaction", "patterns_of"]

MASK = "***"

# The fields of our own format in a state or a result; all others are the user's.
_FRAME = frozenset(
    {"type", "__version__", "kind", "result_handler", "start_time", "run_count", "loop_count",
     "cached_result_expiration", "n_map_states"}
)  # fmt: skip
_OURS = _FRAME | {
    "_result", "cached_inputs", "cached_parameters", "context", "exact", "location", "map_states",
    "message", "state", "value",
}  # fmt: skip


class Redaction:
    """Masks what matches regular expressions, in texts and in payloads.

    A match in a text becomes `***`. Where a name in a context, an input, a result or a user's own
    class matches, all that is under it becomes `***`; the name itself stays.
    """

    def __init__(self, patterns: Iterable[str | re.Pattern[str]]) -> None:
        self.patterns: tuple[re.Pattern[str], ...] = tuple(map(_compile, patterns))

    def text(self, text: str) -> str:
        """Replace the matches in *text* by `***`."""
        for pattern in self.patterns:
            text = pattern.sub(MASK, text)
        return text

    def dumps(self, state: Any) -> str:
        """Write a state as JSON, as `fsm.states.dumps` does, with the matches masked.

        Raises:
            NotSerializable: It cannot be written; names the field.
        """
        text = canonical_json(self.wire(codec.write(state)))
        if len(text) > limits.CHARS:
            raise NotSerializable(f"the state takes more than {limits.CHARS} characters of JSON")
        return text

    def wire(self, wire: dict[str, Any]) -> dict[str, Any]:
        """Mask the matches in a written state, which can still be read."""
        clean: dict[str, Any] = self._mask_frame(wire)
        try:
            codec.read(clean)
        except NotDeserializable:  # the exact form of a value was masked: its plain form remains
            clean = _without_exact(clean)
            try:
                codec.read(clean)
            except NotDeserializable as error:
                raise NotSerializable(
                    f"with all secrets masked, what is left is no state: {error}",
                    error.field,
                ) from error
        return clean

    def settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Mask the matches in a run's settings. The policy has no texts of the user, and stays."""
        return {
            name: value if name == "policy" else self._mask_named(name, value)
            for name, value in settings.items()
        }

    def _mask_frame(self, wire: Any) -> Any:
        if not isinstance(wire, dict):
            return self._mask_value(wire)
        return {name: self._mask_field(name, value) for name, value in wire.items()}

    def _mask_field(self, name: str, value: Any) -> Any:
        if name in _FRAME:
            return value
        if name in ("state", "_result"):
            return self._mask_frame(value)
        if name == "map_states":
            return [self._mask_frame(child) for child in value]
        if name == "cached_inputs" and isinstance(value, dict):
            return {
                key: self._mask_input(each) if self._matches(key) else self._mask_frame(each)
                for key, each in value.items()
            }
        return self._mask_value(value) if name in _OURS else self._mask_named(name, value)

    def _mask_named(self, name: str, value: Any) -> Any:
        return MASK if self._matches(name) else self._mask_value(value)

    def _mask_input(self, result: Any) -> Any:
        """Mask the value of an input whose name matches; its frame stays."""
        frame = {name: value for name, value in result.items() if name in _FRAME}
        return frame | ({"value": MASK} if "value" in result else {})

    def _mask_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._mask_value(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"$dict"}:  # names that are no strings: pairs
            return {"$dict": [self._mask_pair(*pair) for pair in value["$dict"]]}
        if value.keys() == {"$bytes"}:
            text = b64decode(value["$bytes"]).decode("latin-1")
            return MASK if self._matches(text) else value
        return {name: self._mask_named(name, each) for name, each in value.items()}

    def _mask_pair(self, name: Any, value: Any) -> list[Any]:
        masked = isinstance(name, str) and self._matches(name)
        return [self._mask_value(name), MASK if masked else self._mask_value(value)]

    def _matches(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns)


def _without_exact(wire: Any) -> Any:
    if isinstance(wire, dict):
        return {name: _without_exact(value) for name, value in wire.items() if name != "exact"}
    if isinstance(wire, list):
        return [_without_exact(value) for value in wire]
    return wire


def _compile(pattern: object) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    if not isinstance(pattern, str) or not pattern:
        raise InvalidArgument(f"redact is a list of regular expressions, not {pattern!r}")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidArgument(f"{pattern!r} is no regular expression: {error}") from error


def as_redaction(patterns: object) -> Redaction | None:
    """Accept a value for `redact=`: None, patterns, or a redaction.

    Raises:
        InvalidArgument: One of them is no regular expression.
    """
    if patterns is None or isinstance(patterns, Redaction):
        return patterns
    if isinstance(patterns, str) or not isinstance(patterns, Iterable):
        raise InvalidArgument(f"redact is a list of regular expressions, not {patterns!r}")
    return Redaction(patterns) if (patterns := tuple(patterns)) else None


def patterns_of(redaction: Redaction | None) -> tuple[re.Pattern[str], ...]:
    """Return the patterns that, as `redact=`, make the same redaction."""
    return () if redaction is None else redaction.patterns
