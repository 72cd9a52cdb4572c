"""Ids: what runs are called in journals."""

import itertools
import os
import re

from .errors import InvalidArgument

__all__ = ["MAX_LENGTH", "check_id", "new_id", "parent_of"]

MAX_LENGTH = 200  # characters of an id, and of the names of kinds, states, events and workers


def check_id(id: object, what: str = "a run's id") -> None:
    """Accept an id that every journal keeps and a terminal shows.

    Args:
        what: Names the id in the error.

    Raises:
        InvalidArgument: It is no string, empty, too long, or has characters that do not print.
    """
    if not isinstance(id, str) or not 1 <= len(id) <= MAX_LENGTH:
        raise InvalidArgument(f"{what} is a string of 1 to {MAX_LENGTH} characters, not {id!r:.60}")
    if not id.isprintable():
        raise InvalidArgument(f"{what} has printable characters only, not {id!r:.60}")


def parent_of(id: str) -> tuple[str, int] | None:
    """Return the mapped run that *id* is a child of, and its place: `load[3]` is 3 of `load`."""
    child = _CHILD.fullmatch(id)
    return (child[1], int(child[2])) if child else None


_CHILD = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]", re.DOTALL)


def new_id() -> str:
    """Generate an id: 64 random bits of this process, and a counter.

    A random UUID for each run would cost more than the rest of making the run.
    """
    return f"{_prefix}-{next(_count):06d}"


_count = itertools.count(1)
_prefix = os.urandom(8).hex()


def _renew_prefix() -> None:
    global _prefix
    _prefix = os.urandom(8).hex()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_renew_prefix)
