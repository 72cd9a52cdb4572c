"""Watch: the one thread that looks whether a journal has changed, for all who wait for that."""

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

_PATIENCE = 10.0  # seconds that a look may take, if none before took half as long
_SHARE = 9  # times as long as a look took, it rests: a tenth of its time at most is spent looking


@attrs.frozen
class Snapshot:
    """The runs of a journal as they stood when somebody looked."""

    version: int = 0  # the how manieth it is
    runs: tuple[Summary, ...] = ()  # the last begun first
    trouble: str | None = None  # why the journal could not be read; the runs are those before

    @property
    def counts(self) -> Counter[str]:
        """How many runs are in each state."""
        return Counter(run.state for run in self.runs)


class Watch:
    """Looks into a journal every *period* seconds; of a large one, less often.

    Args:
        patience: Seconds until a look that does not end is `stuck`.
    """

    def __init__(self, source: Source, period: float = 1.0, *, patience: float = _PATIENCE) -> None:
        self.snapshot: Snapshot = Snapshot()
        self._source, self._period, self._patience = source, period, patience
        self._began: float | None = None  # when the look began that goes on
        self._longest = 0.0  # seconds that a look took
        self._changed = threading.Condition()
        self._looking = threading.Lock()
        self._wake = threading.Event()
        self._seen: object | None = None  # what the journal's `changes` were, when it was read
        self._stopped = False

    def look(self) -> Snapshot:
        """Look now, and tell those who wait if something has changed."""
        with self._looking, self._timed():
            before, seen, trouble = self.snapshot, None, None
            try:
                with self._source.journal() as journal:
                    seen = journal.changes()  # before it is read: what comes between is news later
                    if seen is not None and seen == self._seen:
                        return before
                    runs = tuple(journal.runs())[::-1]
            except (JournalError, OSError) as error:
                runs, seen, trouble = before.runs, None, str(error)
            except Exception as error:  # a page whose watch has died looks live, and is not
                runs, seen, trouble = before.runs, None, f"{type(error).__name__}: {error}"
            self._seen = seen
            # What was committed may be a refusal, which leaves the runs as they are.
            if (seen, runs, trouble) == (None, before.runs, before.trouble) and before.version:
                return before
            with self._changed:
                self.snapshot = Snapshot(before.version + 1, runs, trouble)
                self._changed.notify_all()
            return self.snapshot

    def after(self, version: int, seconds: float) -> Snapshot | None:
        """Wait for a snapshot later than *version*; None if there was none in so many seconds."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._stopped or self.snapshot.version != version, seconds
            )
            return self.snapshot if came and not self._stopped else None

    def hurry(self) -> None:
        """Let the thread look at once: something was done."""
        self._wake.set()

    def run(self) -> None:
        """Look until `stop`: what the thread does."""
        while not self._stopped:
            self._wake.clear()
            began = time.monotonic()
            self.look()
            self._wake.wait(max(self._period, _SHARE * (time.monotonic() - began)))

    def stop(self) -> None:
        """Let the thread end, and whoever waits go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._wake.set()

    @contextmanager
    def _timed(self) -> Iterator[None]:
        self._began = began = time.monotonic()
        try:
            yield
        finally:
            self._began = None
            self._longest = max(self._longest, time.monotonic() - began)

    @property
    def stuck(self) -> bool:
        """Whether a look does not end, so that nobody knows how things stand now."""
        began = self._began
        longest = max(self._patience, 2 * self._longest)
        return began is not None and time.monotonic() - began > longest

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped
