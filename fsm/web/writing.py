"""Writing: points in time and what people and programs wrote, as text with an end."""

from __future__ import annotations

import json

from fsm.states import InvalidPayload, moment

__all__ = ["cut", "is_dated", "readable", "reason", "written"]

_LONGEST = 20_000  # characters of a payload
_LONGEST_REASON = 2_000


def written(micros: int) -> str:
    """A point in time, in UTC, to the millisecond; one that no calendar has, as it is recorded."""
    if not is_dated(micros):
        return f"{micros} µs"
    return moment.from_micros(micros).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def is_dated(micros: int) -> bool:
    """Whether a calendar has such a point in time: somebody may have written past all checks."""
    try:
        moment.from_micros(micros)
    except InvalidPayload:
        return False
    return True


def readable(payload: str) -> str:
    """JSON with line breaks: here, since a browser would round its whole numbers."""
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = payload
    return cut(text, _LONGEST)


def reason(said: object) -> str:
    """Why something was refused: what an error says, which may name things without an end."""
    return cut(str(said), _LONGEST_REASON)


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text)} characters)"
