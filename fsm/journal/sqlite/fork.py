"""Fork: what a process lets go of before it forks.

A connection to SQLite is not to be carried into a child (sqlite.org/howtocorrupt.html, 2.6). Not
even one that nobody uses there: the child would inherit SQLite's knowledge of locks that only its
parent has, take none of its own for whatever it opens, and lose what it writes when the parent
closes the file.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Forked", "let_go_before_forks"]


class Forked(Protocol):
    """What has something open that no child may inherit."""

    def before_fork(self) -> None:
        """Let go of it; the next use opens it again, in whichever process."""


_open: weakref.WeakValueDictionary[int, Forked] = weakref.WeakValueDictionary()


def let_go_before_forks(of: Forked) -> None:
    """Tell *of* before this process forks."""
    _open[id(of)] = of


def _tell() -> None:
    for reference in _open.valuerefs():  # a list: other threads may open more meanwhile
        if (each := reference()) is not None:
            each.before_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_tell)
