"""What a careful person would write by hand for one lifecycle: the limit we are held against.

It does the same work as a step of ours: a guard, a frozen payload, an integer timestamp, a lock,
a record in the history, a refusal with a message, one listener.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

__all__ = ["Idle", "Run", "Working"]


@attrs.frozen
class Idle:
    """Waiting."""

    message: str | None = None
    result: Any = None
    context: Mapping[str, Any] | None = None
    cached_inputs: Mapping[str, Any] | None = None


@attrs.frozen
class Working:
    """At work."""

    message: str | None = None
    result: Any = None
    context: Mapping[str, Any] | None = None
    cached_inputs: Mapping[str, Any] | None = None


@attrs.frozen
class Record:
    """One move."""

    run: str
    seq: int
    event: str
    source: Idle | Working
    dest: Idle | Working
    micros: int


class Refused(Exception):
    """The move is not allowed."""


def ready(run: Run, record: Record) -> bool:
    """The guard."""
    return run.ready


class Run:
    """Two states, two events."""

    __slots__ = ("history", "id", "listeners", "lock", "ready", "state")

    def __init__(self, id: str) -> None:
        self.id = id
        self.state: Idle | Working = Idle()
        self.history: list[Record] = []
        self.lock = threading.Lock()
        self.listeners: list[Callable[[Run, Record], Any]] = []
        self.ready = True

    def begin(self, message: str | None = None) -> Working:
        """From Idle to Working."""
        with self.lock:
            source = self.state
            if type(source) is not Idle:
                raise Refused(f"cannot begin from {type(source).__name__}")
            dest = Working(message, None, source.context, source.cached_inputs)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, "begin", source, dest, micros)
            if not ready(self, record):
                raise Refused("not ready")
            self.state = dest
            self.history.append(record)
            for listener in self.listeners:
                listener(self, record)
            return dest

    def back(self, message: str | None = None) -> Idle:
        """From Working to Idle."""
        with self.lock:
            source = self.state
            if type(source) is not Working:
                raise Refused(f"cannot go back from {type(source).__name__}")
            dest = Idle(message, None, source.context, source.cached_inputs)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, "back", source, dest, micros)
            if not ready(self, record):
                raise Refused("not ready")
            self.state = dest
            self.history.append(record)
            for listener in self.listeners:
                listener(self, record)
            return dest

    async def abegin(self, message: str | None = None) -> Working:
        """From Idle to Working, with async listeners."""
        return await self._amove("begin", Idle, Working, message)

    async def aback(self, message: str | None = None) -> Idle:
        """From Working to Idle, with async listeners."""
        return await self._amove("back", Working, Idle, message)

    async def _amove(self, event: str, source: Any, dest: Any, message: str | None) -> Any:
        with self.lock:
            before = self.state
            if type(before) is not source:
                raise Refused(f"cannot {event} from {type(before).__name__}")
            after = dest(message, None, before.context, before.cached_inputs)
            micros = time.time_ns() // 1000
            record = Record(self.id, len(self.history) + 1, event, before, after, micros)
            if not ready(self, record):
                raise Refused("not ready")
            self.state = after
            self.history.append(record)
            for listener in self.listeners:
                answer: Awaitable[None] | None = listener(self, record)
                if answer is not None:
                    await answer
            return after
