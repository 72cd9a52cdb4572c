"""An object with the fields of a run of ours, and nothing else."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["Slotted"]


class Slotted:
    """Created as a run of ours is, with its lock; fields that are filled later are None."""

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
