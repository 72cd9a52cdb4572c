"""How much a state on the wire may be, checked before anything is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from fsm.states.errors import NotDeserializable

DEPTH = 32  # containers, results and states inside one another, in what a state carries
ITEMS = 1_100_000  # keys and elements, all told: room for one Mapped of unknown children
CHARS = 16 * 1024 * 1024  # of text, and of the JSON itself
CHILDREN = 1_000_000  # of one Mapped
INTEGERS = range(-(2**63), 2**63)

# DEPTH as JSON says it: the exact form of one level takes up to five.
_WIRE_DEPTH = 6 * DEPTH

_UNCLEAN = re.compile("[\0\ud800-\udfff]")


def is_clean(text: str) -> bool:
    """Whether every database and every JSON reader takes the text: no NUL, no lone surrogate."""
    return text.isprintable() or not _UNCLEAN.search(text)


def cleaned(text: str) -> str:
    """Spell out what is not clean, as in `\\x00`."""
    return text if is_clean(text) else _UNCLEAN.sub(lambda bad: ascii(bad[0])[1:-1], text)


def shown(name: str) -> str:
    """Cut a name to what a message has room for."""
    return cleaned(name[:64])


def check(wire: Mapping[str, Any]) -> None:
    """Refuse what is not plain JSON within the limits, without recursion.

    Raises:
        NotDeserializable: Something is too deep, too big, or not JSON; names the top-level field.
    """
    if _is_small(wire, 3):
        return
    fault = _fault(wire)
    if fault:
        blamed = (name for name, value in wire.items() if _fault({name: value}))
        field = next((shown(name) for name in blamed if type(name) is str), "")
        raise NotDeserializable(f"{field or 'the state'} {fault}", field)


def _is_small(wire: Mapping[str, Any], below: int) -> bool:
    """Whether a glance is enough, as for most states: few, short, printable, and not deep.

    At most 12**4 strings of 500 under names of 64: that is below CHARS, be they all shared.
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


def _fault(wire: Mapping[str, Any]) -> str:
    """Say what is wrong, or nothing. Level by level: each list and dict is seen as often as it
    is written, so a cycle ends at the depth limit and a shared one at the item limit."""
    items = chars = 0
    level: list[Any] = [wire]
    for _ in range(_WIRE_DEPTH):
        below: list[Any] = []
        for container in level:
            items += len(container)
            if items > ITEMS:
                return f"has more than {ITEMS} items"
            values: Any = container
            if type(container) is not list:
                for name in container:
                    if type(name) is not str or not is_clean(name):
                        return "has a name that is no clean string"
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
                    return f"holds {_shown(value)}, which JSON cannot say"
        if chars > CHARS:
            return f"has more than {CHARS} characters"
        if not below:
            return ""
        level = below
    return f"nests deeper than {_WIRE_DEPTH} levels"


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return value in INTEGERS
    return type(value) is float and isfinite(value)


def _shown(value: Any) -> str:
    if type(value) is int:
        return "an integer beyond 64 bits"
    return repr(value) if type(value) is float else type(value).__name__
