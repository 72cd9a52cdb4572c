"""Child: a `worker` of a test, which hears it, tells it, and ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["Child"]

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 60.0  # seconds until a child counts as stuck


class Child:
    """A worker process. Use it in a `with`: no process outlives its test."""

    def __init__(self, *words: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, WORKER, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # so that it and its own children can be ended together
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        self._lines: list[bytes] = [b""]  # the last one is not yet all there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # not yet waited for: the id is still its own
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def tell(self, order: object) -> None:
        """Send it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(order) + "\n").encode())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, and wait until it has stopped if that is what it means."""
        self._process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def hear(self, timeout: float = PATIENCE) -> list[Any] | None:
        """Its next line; None if there is none in so many seconds, or no more at all."""
        deadline = time.monotonic() + timeout
        while len(self._lines) == 1:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._out], [], [], left)[0]:
                return None
            if not (more := os.read(self._out, 65_536)):
                return None
            first, *rest = (self._lines.pop() + more).split(b"\n")
            self._lines = [first, *rest]
        said: list[Any] = json.loads(self._lines.pop(0))
        return said

    def expect(self, word: str) -> list[Any]:
        """Its next line, which begins with *word*; without that word."""
        said = self.hear()
        assert said is not None, f"{self._process.args} says nothing; {word} was expected"
        assert said[0] == word, said
        return said[1:]

    def rest(self) -> list[list[Any]]:
        """All that it still says before it ends."""
        said = []
        while (line := self.hear()) is not None:
            said.append(line)
        return said
