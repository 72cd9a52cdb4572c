"""Brief: what a name is called on the page, in its list, its pictures and its addresses."""

from __future__ import annotations

import hashlib

__all__ = ["brief"]

_LONGEST = 80  # characters


def brief(name: str) -> str:
    """The name itself; of one that is longer than anybody reads, its beginning and a digest.

    No journal bounds the names of kinds, states and events: one may be a megabyte.
    """
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()
    return f"{name[: _LONGEST - 18]}… {digest[:16]}"
