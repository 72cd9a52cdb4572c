"""How large a serialised state may be, checked before any object is built from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from fsm.states.errors import NotDeserializable

DEPTH = 32  # levels of containers, results and states inside one another
ITEMS = 1_100_000  # keys and elements in all: room for one Mapped of unknown children
CHARS = 16 * 1024 * 1024  # characters of text, and of the JSON itself
CHILDREN = 1_000_000  # children of one Mapped
INTEGERS = range(-(2**63), 2**63)

# Levels of JSON for DEPTH levels of values: tagged JSON takes up to five for one.
_JSON_DEPTH = 6 * DEPTH

_UNCLEAN = re.compile("[\0\ud800-\udfff]")


def is_clean(text: str) -> bool:
    """Whether every database and every JSON reader takes the text: no NUL, no lone surrogate."""
    return text.isprintable() or not _UNCLEAN.search(text)


def clean(text: str) -> str:
    """Replace NUL and lone surrogates by their escapes, such as `\\x00`."""
    return text if is_clean(text) else _UNCLEAN.sub(lambda bad: ascii(bad[0])[1:-1], text)


def shorten(name: str) -> str:
    """Cut a name to 64 characters, for an error message."""
    return clean(name[:64])


def check(wire: Mapping[str, Any]) -> None:
    """Refuse what is no JSON or exceeds the limits, without recursion.

    Raises:
        NotDeserializable: Something is too deep, too large, or no JSON; names the top-level field.
    """
    if _is_small(wire, 3):
        return
    fault = _find_fault(wire)
    if fault:
        faulty = (name for name, value in wire.items() if _find_fault({name: value}))
        field = next((shorten(name) for name in faulty if type(name) is str), "")
        raise NotDeserializable(f"{field or 'the state'} {fault}", field)


def _is_small(wire: Mapping[str, Any], below: int) -> bool:
    """Whether the dict is well within the limits: few keys, short printable texts, not deep.

    Most states are. At most 12**4 strings of 500 characters under keys of 64 are fewer than
    CHARS, even if all are one shared object.
    """
    if len(wire) > 12:
        return False
    for name, value in wire.items():
        kind = type(value)
        if type(name) is not str or len(name) > 64 or not name.isprintable():
            return False
        if kind is str:
            if len(value) > 500 or not value.isprintable():
                return False
        elif kind is dict:
            if value and not (below and _is_small(value, below - 1)):
                return False
        elif kind is list:
            if value:
                return False
        elif value is not None and kind is not bool and not _is_number(value):
            return False
    return True


def _find_fault(wire: Mapping[str, Any]) -> str:
    """Return what is wrong, as the end of a sentence, or an empty text.

    It goes level by level and visits a container as often as it would be written: a cycle ends at
    the depth limit, a shared container at the item limit.
    """
    items = chars = 0
    level: list[Any] = [wire]
    for _ in range(_JSON_DEPTH):
        below: list[Any] = []
        for container in level:
            items += len(container)
            if items > ITEMS:
                return f"has more than {ITEMS} items"
            values: Any = container
            if type(container) is not list:
                for name in container:
                    if type(name) is not str or not is_clean(name):
                        return "has a key that is no text, or that holds NUL or a lone surrogate"
                    chars += len(name)
                values = container.values()
            for value in values:
                kind = type(value)
                if kind is str:
                    chars += len(value)
                    if chars > CHARS:
                        return f"has more than {CHARS} characters"
                    if not is_clean(value):
                        return "holds NUL or a lone surrogate"
                elif kind is dict or kind is list:
                    below.append(value)
                elif value is not None and kind is not bool and not _is_number(value):
                    return f"holds {_describe(value)}, which JSON cannot express"
        if chars > CHARS:
            return f"has more than {CHARS} characters"
        if not below:
            return ""
        level = below
    return f"nests deeper than {_JSON_DEPTH} levels"


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return value in INTEGERS
    return type(value) is float and isfinite(value)


def _describe(value: Any) -> str:
    if type(value) is int:
        return "an integer beyond 64 bits"
    return repr(value) if type(value) is float else type(value).__name__
