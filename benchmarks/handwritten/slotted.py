"""Slotted: an object with the fields of a run of ours, and no more."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["Slotted"]


class Slotted:
    """Made as a run of ours is, its lock included; what comes later is None."""

    __slots__ = (
        "__weakref__", "callbacks", "clock", "id", "journal", "lock", "owner", "posted", "state",
        "steps",
    )  # fmt: skip

    def __init__(
        self, id: str | None = None, *, state: Any = None, journal: Any = None, clock: Any = None
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.id = id
        self.state = state
        self.steps: list[Any] | None = None
        self.callbacks: Any = None
        self.posted: Any = None
        self.lock = threading.Lock()
        self.owner: Any = None
