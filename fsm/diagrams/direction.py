"""Direction: where the arrows of a picture mostly point."""

from __future__ import annotations

from fsm.errors import InvalidArgument

__all__ = ["checked"]

_KNOWN = ("TB", "BT", "LR", "RL")


def checked(direction: str) -> str:
    """Return *direction*, which is written into markup.

    Raises:
        InvalidArgument: It is none.
    """
    if direction not in _KNOWN:
        raise InvalidArgument(f"a direction is one of {', '.join(_KNOWN)}, not {direction!r:.40}")
    return direction
