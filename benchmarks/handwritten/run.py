"""The hand-written run.

It has a guard, a frozen payload whose context is passed on, an integer timestamp, a lock, records
in the history and in a journal, listeners whose errors do not stop each other, and a refusal that
says what is allowed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .journal import Journal, Record, Refused
from .payload import Idle, Working

__all__ = ["Run", "ready"]


def ready(run: Any, record: Any) -> bool:
    """The guard."""
    return True


class Run:
    """Two states, two events."""

    __slots__ = ("history", "id", "journal", "listeners", "lock", "state")

    def __init__(self, id: str, journal: Journal | None = None) -> None:
        self.id = id
        self.journal = journal
        self.state: Any = Idle()
        self.history: list[Record] = []
        self.lock = threading.Lock()
        self.listeners: list[Callable[[Any, Record], Any]] = []

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
            if not ready(self, record):
                raise Refused("not ready")
            if self.journal is not None:
                self.journal.append(record)
            self.state = dest
            self.history.append(record)
            errors = []
            for listener in self.listeners:
                try:
                    listener(self, record)
                except Exception as error:
                    errors.append(error)
        if errors:
            raise ExceptionGroup("listeners failed", errors)
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
            if not ready(self, record):
                raise Refused("not ready")
            if self.journal is not None:
                self.journal.append(record)
            self.state = dest
            self.history.append(record)
            errors = []
            for listener in self.listeners:
                try:
                    listener(self, record)
                except Exception as error:
                    errors.append(error)
        if errors:
            raise ExceptionGroup("listeners failed", errors)
        return dest
