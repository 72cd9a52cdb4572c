"""Identity: what a run is called in its journal."""

from __future__ import annotations

import itertools
import os
import re

from .errors import InvalidArgument

__all__ = ["LONGEST", "check_id", "new_id", "parent_of"]

LONGEST = 200  # characters


def check_id(id: object, what: str = "a run's id") -> None:
    """Accept what a journal can keep and a terminal can show.

    Raises:
        InvalidArgument: It is no string, empty, too long, or has characters that do not print.
    """
    if not isinstance(id, str) or not 1 <= len(id) <= LONGEST:
        raise InvalidArgument(f"{what} is a string of 1 to {LONGEST} characters, not {id!r:.60}")
    if not id.isprintable():
        raise InvalidArgument(f"{what} has printable characters only, not {id!r:.60}")


def parent_of(id: str) -> tuple[str, int] | None:
    """The mapped run that *id* is a child of, and its place there: `load[3]` is of `load`."""
    found = _CHILD.fullmatch(id)
    return (found[1], int(found[2])) if found else None


_CHILD = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]", re.DOTALL)


def new_id() -> str:
    """Make one up: unlike in other processes by 64 random bits, in this one by a count.

    A random UUID for each would cost more than the rest of a run.
    """
    return f"{_prefix}-{next(_count):06d}"


_count = itertools.count(1)
_prefix = os.urandom(8).hex()


def _renew_prefix() -> None:
    global _prefix
    _prefix = os.urandom(8).hex()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_renew_prefix)
