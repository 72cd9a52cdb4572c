"""JSON without type tags: what readers get that do not know the tags."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from .limits import clean


def looks_tagged(value: dict[Any, Any]) -> bool:
    """Whether a dict has one key, and that starts with `$`."""
    return len(value) == 1 and next(iter(value)).startswith("$")


def canonical_json(value: Any) -> str:
    """Write JSON in the one canonical form: sorted keys, no spaces, no ASCII escapes."""
    return _encoder.encode(value)


# Configured once: `json.dumps` would make an encoder each time.
_encoder = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def strip_tags(tagged: Any) -> Any:
    """Convert tagged JSON to plain JSON, as close as plain JSON comes.

    A tuple becomes a list, bytes become text, a state becomes its name.
    """
    if type(tagged) is list:
        return [strip_tags(item) for item in tagged]
    if type(tagged) is not dict:
        return tagged
    if not looks_tagged(tagged):
        return {name: strip_tags(item) for name, item in tagged.items()}
    ((tag, value),) = tagged.items()
    return _STRIP[tag](value)


def _strip_dict(pairs: list[list[Any]]) -> dict[str, Any]:
    return {_key(strip_tags(name)): strip_tags(item) for name, item in pairs}


def _key(key: Any) -> str:
    """Write a key as the reference does, with `str()`. Only a tuple arrives here as a list."""
    return str(tuple(key) if type(key) is list else key)


def _strip_bytes(text: str) -> str:
    return clean(b64decode(text).decode("utf-8", "backslashreplace"))


_STRIP: dict[str, Any] = {
    "$bytes": _strip_bytes,
    "$datetime": lambda value: value,
    "$dict": _strip_dict,
    "$exception": lambda value: value["text"],
    "$frozenset": strip_tags,
    "$noresult": lambda _: None,
    "$result": lambda value: strip_tags(value[0]),
    "$safe": lambda value: strip_tags(value[0]),
    "$set": strip_tags,
    "$state": lambda value: value["type"],
    "$tuple": strip_tags,
}


def message_text(message: Any, plain: Any, tagged: Any) -> str:
    """Write a message that is no text as text.

    The reference takes `str()` of it. Where a value that is read back has another `str()` (a
    datetime becomes pendulum's, a set has another order), the text is its JSON.

    Args:
        message: The message itself.
        plain: Its plain JSON.
        tagged: Its tagged JSON.
    """
    if isinstance(message, (int, float)):
        return str(message)
    if isinstance(message, (list, tuple)) and not _MORE_THAN_LISTS.search(canonical_json(tagged)):
        return str(message)
    return plain if type(plain) is str else canonical_json(plain)


_MORE_THAN_LISTS = re.compile(r'\{"(?!\$tuple")')
