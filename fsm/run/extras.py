"""Extras: what few runs have: events posted during a step, and refused attempts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from . import lock

if TYPE_CHECKING:
    from .refusals import RefusalNote

__all__ = ["Extras", "Posted"]

Posted = tuple[str, tuple[Any, ...], dict[str, Any]]  # an event and its arguments


class Extras:
    """Events posted during a step, and refused attempts. Truthy while events are posted.

    Allocated on demand: most runs have neither, and a million runs may be live in one process.
    """

    __slots__ = ("posted", "refused")

    def __init__(self) -> None:
        self.posted: deque[Posted] | None = None
        self.refused: tuple[RefusalNote, ...] = ()  # per step and event, oldest first

    def __bool__(self) -> bool:
        return bool(self.posted)

    def append(self, posted: Posted) -> None:
        """Add an event to the end of the queue."""
        if self.posted is None:
            fresh: deque[Posted] = deque()
            with lock.first:
                if self.posted is None:
                    self.posted = fresh
        self.posted.append(posted)

    def popleft(self) -> Posted:
        """Take the event that was posted first."""
        assert self.posted is not None, "called while there are posted events"
        return self.posted.popleft()
