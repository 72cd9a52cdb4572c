"""Between states and JSON: canonical, bounded, safe.

The format is that of the reference system, release 0.10.7, with an addition: values keep their
types. What is read is data and is never run; reading asks no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsm.states.errors import NotDeserializable, NotSerializable

from . import fast_path, limits
from .decode import Decoder
from .encode import Encoder

__all__ = ["read", "write"]

_FEW = 1_000  # items or characters; below that no state comes near a limit


def write(state: Any) -> dict[str, Any]:
    """Write a state as a dict that is ready for JSON.

    Raises:
        NotSerializable: It carries something that cannot be written exactly; names the field.
    """
    try:
        wire = fast_path.write(state)
        if wire is not None:
            return wire
        encoder = Encoder()
        wire = encoder.encode_state(state, "", 0)
        if encoder.items > _FEW or encoder.chars > _FEW:
            limits.check(wire)
    except NotDeserializable as error:
        raise NotSerializable(f"the state could not be read back: {error}", error.field) from None
    except RuntimeError as error:  # too deep for the caller's stack, or changed meanwhile
        raise NotSerializable(f"the state cannot be written here: {error}") from error
    return wire


def read(wire: Mapping[str, Any]) -> Any:
    """Read the state that a dict describes.

    Raises:
        NotDeserializable: The dict describes no state.
    """
    try:
        plain = wire if type(wire) is dict else _as_dict(wire)
        state = fast_path.read(plain)
        if state is not None:
            return state
        limits.check(plain)
        return Decoder().decode_state(plain, "", 0)
    except NotSerializable as error:  # the class has no schema
        raise NotDeserializable(str(error), error.field) from error
    except RuntimeError as error:
        raise NotDeserializable(f"the state cannot be read here: {error}") from error


def _as_dict(wire: Any) -> dict[str, Any]:
    if not isinstance(wire, Mapping):
        raise NotDeserializable(f"a state is written as an object, not as {type(wire).__name__}")
    try:
        return dict(wire)
    except Exception as error:  # a mapping's methods are a user's code
        raise NotDeserializable(f"the mapping cannot be read: {type(error).__name__}") from error
