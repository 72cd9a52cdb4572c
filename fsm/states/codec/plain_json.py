"""The lossy form of a value: its exact form without the tags, for readers that know none."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from .limits import cleaned


def looks_tagged(value: dict[Any, Any]) -> bool:
    """Whether a dict has one name, and that starts with `$`."""
    return len(value) == 1 and next(iter(value)).startswith("$")


def canonical(value: Any) -> str:
    """Write JSON the one way there is."""
    return _encoder.encode(value)


# Configured once: `json.dumps` would make an encoder each time.
_encoder = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def lossy(exact: Any) -> Any:
    """Say an exact form in plain JSON, as well as that can, for readers that know no tags."""
    if type(exact) is list:
        return [lossy(item) for item in exact]
    if type(exact) is not dict:
        return exact
    if not looks_tagged(exact):
        return {name: lossy(item) for name, item in exact.items()}
    ((tag, value),) = exact.items()
    return _LOSSY[tag](value)


def _named(pairs: list[list[Any]]) -> dict[str, Any]:
    return {_name(lossy(name)): lossy(item) for name, item in pairs}


def _name(key: Any) -> str:
    """What the reference makes of a key: `str()` of it. Only a tuple comes here as a list."""
    return str(tuple(key) if type(key) is list else key)


def _readable(text: str) -> str:
    return cleaned(b64decode(text).decode("utf-8", "backslashreplace"))


_LOSSY: dict[str, Any] = {
    "$bytes": _readable,
    "$datetime": lambda value: value,
    "$dict": _named,
    "$exception": lambda value: value["text"],
    "$frozenset": lossy,
    "$noresult": lambda _: None,
    "$result": lambda value: lossy(value[0]),
    "$safe": lambda value: lossy(value[0]),
    "$set": lossy,
    "$state": lambda value: value["type"],
    "$tuple": lossy,
}


def as_text(message: Any, plain: Any, exact: Any) -> str:
    """What the reference, which takes `str()` of anything, would write, where that is stable.

    What is read back says the same and may look different: a datetime is pendulum's, a dict or a
    set has another order. There the text is JSON.
    """
    if isinstance(message, (int, float)):
        return str(message)
    if isinstance(message, (list, tuple)) and not _MORE_THAN_LISTS.search(canonical(exact)):
        return str(message)
    return plain if type(plain) is str else canonical(plain)


_MORE_THAN_LISTS = re.compile(r'\{"(?!\$tuple")')
