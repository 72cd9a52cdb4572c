"""The hand-written run with async listeners."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .journal import Record, Refused
from .payload import Idle, Working
from .run import Run, ready

__all__ = ["AsyncRun"]


class AsyncRun(Run):
    """Two states, two events; safe in one loop and in several threads."""

    __slots__ = ()

    async def begin(self, message: str | None = None, result: Any = None) -> Working:
        """From Idle to Working, with async listeners."""
        if not self.lock.acquire(False):
            await self._turn()
        try:
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
                    await listener(self, record)
                except Exception as error:
                    errors.append(error)
        finally:
            self.lock.release()
        if errors:
            raise ExceptionGroup("listeners failed", errors)
        return dest

    async def back(self, message: str | None = None, result: Any = None) -> Idle:
        """From Working to Idle, with async listeners."""
        if not self.lock.acquire(False):
            await self._turn()
        try:
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
                    await listener(self, record)
                except Exception as error:
                    errors.append(error)
        finally:
            self.lock.release()
        if errors:
            raise ExceptionGroup("listeners failed", errors)
        return dest

    async def _turn(self) -> None:
        """Wait for the lock without blocking the loop, which its holder may need."""
        while not self.lock.acquire(False):
            await asyncio.sleep(0.001)
