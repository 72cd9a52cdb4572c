"""Aside: what lies beside a run and its steps; few runs have any."""

from __future__ import annotations

from _thread import allocate_lock
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .refusals import Noted

__all__ = ["Aside", "Posted"]

Posted = tuple[str, tuple[Any, ...], dict[str, Any]]  # an event and its arguments

_first = allocate_lock()


class Aside:
    """The events that were posted for later, which it is true of while there are any; and refusals.

    Both in one, for the sake of a million runs that have neither.
    """

    __slots__ = ("posted", "refused")

    def __init__(self) -> None:
        self.posted: deque[Posted] | None = None
        self.refused: tuple[Noted, ...] = ()  # one for each event after each step, the last last

    def __bool__(self) -> bool:
        return bool(self.posted)

    def append(self, posted: Posted) -> None:
        """Post an event."""
        if self.posted is None:
            with _first:  # of several threads one makes it
                self.posted = self.posted or deque()
        self.posted.append(posted)

    def popleft(self) -> Posted:
        """Take the event that was posted first."""
        assert self.posted is not None, "it is asked for what is there"
        return self.posted.popleft()
