"""The hand-written run without guard, journal and listeners."""

from __future__ import annotations

import time
from typing import Any

from .journal import Record, Refused
from .payload import Idle, Working
from .run import Run

__all__ = ["Bare"]


class Bare(Run):
    """Two states, two events, no guard and no listener."""

    __slots__ = ()

    def begin(self, message: str | None = None, result: Any = None) -> Working:
        """From Idle to Working."""
        with self.lock:
            source = self.state
            if type(source) is not Idle:
                raise Refused(f"cannot begin from {type(source).__name__}; from there one can back")
            context = dict(source.context) if source.context else None
            inputs = dict(source.cached_inputs) if source.cached_inputs else None
            dest = Working(message, result, context, inputs)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, "begin", source, dest, micros)
            self.state = dest
            self.history.append(record)
        return dest

    def back(self, message: str | None = None, result: Any = None) -> Idle:
        """From Working to Idle."""
        with self.lock:
            source = self.state
            if type(source) is not Working:
                raise Refused(f"cannot back from {type(source).__name__}; from there one can begin")
            context = dict(source.context) if source.context else None
            inputs = dict(source.cached_inputs) if source.cached_inputs else None
            dest = Idle(message, result, context, inputs)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, "back", source, dest, micros)
            self.state = dest
            self.history.append(record)
        return dest
