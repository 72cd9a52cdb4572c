"""A hand-written run that is mapped over children."""

from __future__ import annotations

import time
from typing import Any

from .journal import Record, Refused
from .payload import Idle, Many, Working
from .run import Run

__all__ = ["MappedRun"]


class MappedRun(Run):
    """From Idle to Many."""

    __slots__ = ()

    def map(self, children: list[Any], message: str | None = None) -> Many:
        """Take the children's states, checked and copied."""
        with self.lock:
            source = self.state
            if type(source) is not Idle:
                raise Refused(f"cannot map from {type(source).__name__}")
            for child in children:
                if child is not None and not isinstance(child, (Idle, Working)):
                    raise TypeError(f"a child is a state, not {child!r}")
            dest = Many(list(children), message)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, "map", source, dest, micros)
            if self.journal is not None:
                self.journal.append(record)
            self.state = dest
            self.history.append(record)
        return dest
