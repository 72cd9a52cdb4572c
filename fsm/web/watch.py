"""The thread that reads a journal again and again, for all pages that wait for changes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from fsm.errors import JournalError
from fsm.journal import Summary

from .source import Source

__all__ = ["Snapshot", "Watch"]

_PATIENCE = 10.0  # seconds that a read may take before it counts as stuck
_SHARE = 9  # it rests this many times as long as it reads: a tenth of its time at most


@attrs.frozen
class Snapshot:
    """The runs of a journal at one read."""

    version: int = 0  # counts the snapshots, from 1; 0 before the first read
    runs: tuple[Summary, ...] = ()  # the last begun first
    trouble: str | None = None  # why the journal could not be read; `runs` are then the last known

    @property
    def counts(self) -> Counter[str]:
        """How many runs are in each state."""
        return Counter(run.state for run in self.runs)


class Watch:
    """Reads a journal every *period* seconds, a large one less often.

    Args:
        source: The journal.
        period: Seconds between two reads, at least.
        patience: Seconds after which a read counts as `stuck`.
    """

    def __init__(self, source: Source, period: float = 1.0, *, patience: float = _PATIENCE) -> None:
        self.snapshot: Snapshot = Snapshot()
        self._source, self._period, self._patience = source, period, patience
        self._began: float | None = None  # when the current read began
        self._longest = 0.0  # seconds that a read took
        self._changed = threading.Condition()
        self._looking = threading.Lock()
        self._woken = threading.Event()
        self._seen: object | None = None  # the journal's `changes()` at the last read
        self._stopped = False

    def look(self) -> Snapshot:
        """Read the journal now, and wake those who wait if something has changed."""
        with self._looking, self._measure():
            before, seen, trouble = self.snapshot, None, None
            try:
                with self._source.journal() as journal:
                    seen = journal.changes()  # first: a change during the read is found by the next
                    if seen is not None and seen == self._seen:
                        return before
                    runs = tuple(journal.runs())[::-1]
            except (JournalError, OSError) as error:
                runs, seen, trouble = before.runs, None, str(error)
            except Exception as error:  # the thread must go on, or pages would look live and not be
                runs, seen, trouble = before.runs, None, f"{type(error).__name__}: {error}"
            self._seen = seen
            # The change may be a refused attempt: the runs are the same, the pages need it.
            if (seen, runs, trouble) == (None, before.runs, before.trouble) and before.version:
                return before
            with self._changed:
                self.snapshot = Snapshot(before.version + 1, runs, trouble)
                self._changed.notify_all()
            return self.snapshot

    def wait_after(self, version: int, seconds: float) -> Snapshot | None:
        """Wait for a snapshot later than *version*; None if none came in so many seconds."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._stopped or self.snapshot.version != version, seconds
            )
            return self.snapshot if came and not self._stopped else None

    def wake(self) -> None:
        """Let the thread read at once, after an action."""
        self._woken.set()

    def run(self) -> None:
        """Read until `stop` is called; the body of the thread."""
        while not self._stopped:
            self._woken.clear()
            began = time.monotonic()
            self.look()
            self._woken.wait(max(self._period, _SHARE * (time.monotonic() - began)))

    def stop(self) -> None:
        """Let the thread end, and wake those who wait."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._woken.set()

    @contextmanager
    def _measure(self) -> Iterator[None]:
        self._began = began = time.monotonic()
        try:
            yield
        finally:
            self._began = None
            self._longest = max(self._longest, time.monotonic() - began)

    @property
    def stuck(self) -> bool:
        """Whether the current read takes too long, so that the snapshot may be out of date."""
        began = self._began
        longest = max(self._patience, 2 * self._longest)
        return began is not None and time.monotonic() - began > longest

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped
