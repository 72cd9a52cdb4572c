"""State <-> JSON: canonical, bounded, safe.

The wire is that of the reference, release 0.10.7, and says more: values survive. It is JSON and
nothing else: what is read is never evaluated, and never asks for the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fsm.states.errors import NotDeserializable, NotSerializable

from . import fast_path as glance
from . import limits
from .decode import Reader
from .encode import Writer
from .plain_json import canonical

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_FEW = 1_000  # below that no state comes near a limit
_CROWD = 2 * limits.ITEMS + 1  # commas and brackets, of as many items as there may be


def write(state: Any) -> dict[str, Any]:
    """Write a state as a plain dict, ready for JSON.

    Raises:
        NotSerializable: It carries something the wire cannot say exactly; names the field.
    """
    try:
        wire = glance.write(state)
        if wire is not None:
            return wire
        writer = Writer()
        wire = writer.state(state, "", 0)
        if writer.items > _FEW or writer.chars > _FEW:
            limits.check(wire)
    except NotDeserializable as error:
        raise NotSerializable(f"what is written could not be read: {error}", error.field) from None
    except RuntimeError as error:  # too deep for the caller's stack, or changed meanwhile
        raise NotSerializable(f"the state cannot be written here: {error}") from error
    return wire


def read(wire: Mapping[str, Any]) -> Any:
    """Read the state a dict describes.

    Raises:
        NotDeserializable: It describes none.
    """
    try:
        plain = wire if type(wire) is dict else _as_dict(wire)
        state = glance.read(plain)
        if state is not None:
            return state
        limits.check(plain)
        return Reader().state(plain, "", 0)
    except NotSerializable as error:  # the class has no form
        raise NotDeserializable(str(error), error.field) from error
    except RuntimeError as error:
        raise NotDeserializable(f"the state cannot be read here: {error}") from error


def dumps(state: Any) -> str:
    """Write a state as JSON, the one way there is.

    Raises:
        NotSerializable: It carries something the wire cannot say exactly; names the field.
    """
    try:
        text = canonical(write(state))
    except RecursionError as error:
        raise NotSerializable("the state cannot be written here: recursion") from error
    if len(text) > limits.CHARS:
        raise NotSerializable(f"the state takes more than {limits.CHARS} characters of JSON")
    return text


def loads(text: str) -> Any:
    """Read the state that JSON describes.

    Raises:
        NotDeserializable: It describes none, or is no JSON, or too long.
    """
    if type(text) is not str:
        raise NotDeserializable(f"{type(text).__name__} is no JSON text; decode it first")
    if len(text) > limits.CHARS:
        raise NotDeserializable(f"a text of more than {limits.CHARS} characters is not read")
    try:
        if _is_crowded(text):
            raise NotDeserializable(f"a text of more than {limits.ITEMS} items is not read")
        wire = _parse(text)
    except NotDeserializable:
        raise
    except (ValueError, RecursionError) as error:
        raise NotDeserializable(f"the text is no JSON: {error}") from error
    return read(wire)


def _is_crowded(text: str) -> bool:
    """Whether parsing would make more items than are allowed, told before it makes any.

    There are no more commas than items, and no more containers than items and one.
    """
    if len(text) <= _CROWD or _marks(text) <= _CROWD:
        return False
    return _marks(_QUOTED.sub("", text)) > _CROWD


def _marks(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _as_dict(wire: Any) -> dict[str, Any]:
    if not isinstance(wire, Mapping):
        raise NotDeserializable(f"a state is written as an object, not as {type(wire).__name__}")
    try:
        return dict(wire)
    except Exception as error:  # a mapping's methods are anyone's code
        raise NotDeserializable(f"the mapping cannot be read: {type(error).__name__}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise NotDeserializable("the text has a name twice in one object")
    return names


def _constant(name: str) -> Any:
    raise NotDeserializable(f"the text has {name}, which is no JSON")


_parse = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_constant).decode
