"""Fork: closes connections before this process forks.

A connection to SQLite must not be carried into a child (sqlite.org/howtocorrupt.html, 2.6), not
even an unused one: the child inherits SQLite's knowledge of locks that only its parent has, takes
no locks of its own, and loses what it writes when the parent closes the file.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Closable", "close_before_forks"]


class Closable(Protocol):
    """Has something open that no child may inherit."""

    def before_fork(self) -> None:
        """Close it. The next use opens it again, in whichever process."""


_open: weakref.WeakValueDictionary[int, Closable] = weakref.WeakValueDictionary()


def close_before_forks(item: Closable) -> None:
    """Call `before_fork` of *item* whenever this process is about to fork."""
    _open[id(item)] = item


def _close_all() -> None:
    for reference in _open.valuerefs():  # a list: other threads may open more meanwhile
        if (item := reference()) is not None:
            item.before_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
