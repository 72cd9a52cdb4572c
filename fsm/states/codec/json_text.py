"""States as JSON text."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

import json
import re
from typing import Any

from fsm.states.base import State
from fsm.states.errors import NotDeserializable, NotSerializable

from . import limits, read, write
from .plain_json import canonical_json

__all__ = ["dumps", "loads"]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_MOST_MARKS = 2 * limits.ITEMS + 1  # commas and brackets of as many items as there may be


def dumps(state: State) -> str:
    """Write a state as canonical JSON: sorted keys, no spaces.

    Raises:
        NotSerializable: It carries something that cannot be written exactly; names the field.
    """
    try:
        text = canonical_json(write(state))
    except RecursionError as error:
        raise NotSerializable("the state cannot be written here: recursion") from error
    if len(text) > limits.CHARS:
        raise NotSerializable(f"the state takes more than {limits.CHARS} characters of JSON")
    return text


def loads(text: str) -> State:
    """Read the state that JSON text describes; reads no clock and runs nothing.

    Raises:
        NotDeserializable: The text is no JSON, is too long, or describes no state.
    """
    if type(text) is not str:
        raise NotDeserializable(f"{type(text).__name__} is no JSON text; decode it first")
    if len(text) > limits.CHARS:
        raise NotDeserializable(f"a text of more than {limits.CHARS} characters is not read")
    try:
        if _has_too_many_items(text):
            raise NotDeserializable(f"a text of more than {limits.ITEMS} items is not read")
        wire = _parse(text)
    except NotDeserializable:
        raise
    except (ValueError, RecursionError) as error:
        raise NotDeserializable(f"the text is no JSON: {error}") from error
    state: State = read(wire)
    return state


def _has_too_many_items(text: str) -> bool:
    """Whether parsing would build more items than are allowed, found out before it builds any.

    There are no more commas than items, and at most one container more than items.
    """
    if len(text) <= _MOST_MARKS or _count_marks(text) <= _MOST_MARKS:
        return False
    return _count_marks(_QUOTED.sub("", text)) > _MOST_MARKS


def _count_marks(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise NotDeserializable("the text has a key twice in one object")
    return names


def _refuse_constant(name: str) -> Any:
    raise NotDeserializable(f"the text has {name}, which is no JSON")


_parse = json.JSONDecoder(object_pairs_hook=_build_object, parse_constant=_refuse_constant).decode

dumps.__module__ = loads.__module__ = "fsm.states"
