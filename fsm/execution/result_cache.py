"""Earlier results by cache key: those of this process, and those that its journal keeps."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Lock
from typing import Any

from fsm.errors import CorruptJournal, InvalidArgument, UnknownRun
from fsm.journal import Claim, Journal, Summary
from fsm.states import Cached, ambient, moment
from fsm.tasks.cache import Cache
from fsm.tasks.policy import as_policy
from fsm.tasks.validators import Names, duration_only, never_use

__all__ = ["Caches"]

logger: logging.Logger = logging.getLogger(__name__)


class Caches:
    """Earlier results by cache key, oldest first. Safe under threads."""

    __module__ = "fsm.execution"

    def __init__(self) -> None:
        self._entries: dict[str, list[Cached]] = {}
        self._lock = Lock()
        self._reader: _JournalReader | None = None

    @classmethod
    def of(cls, journal: Journal | Claim) -> Caches:
        """Return the results that *journal* keeps, those that come later included.

        These are its runs in `Cached` whose policies have a cache key, of all processes.
        """
        if isinstance(journal, Claim):  # which is of one run alone
            journal = journal.journal
        if not isinstance(journal, Journal):
            raise InvalidArgument(f"a journal is what open_journal() returns, not {journal!r}")
        caches = cls()
        caches._reader = _JournalReader(journal)
        return caches

    def add(self, key: str, entry: Cached) -> None:
        """Keep *entry* under *key*."""
        if not isinstance(key, str) or not isinstance(entry, Cached):
            raise InvalidArgument(f"a cache keeps a Cached by a string, not {entry!r} by {key!r}")
        with self._lock:
            self._entries.setdefault(key, []).append(entry)

    def find(
        self, key: str, cache: Cache, inputs: Names | None = None, parameters: Any = None
    ) -> Cached | None:
        """Return the first entry under *key* that the validator of *cache* accepts, or None.

        Args:
            inputs: The arguments of the call by name, for validators that compare them.
            parameters: The parameters of the flow, for validators that compare them.
        """
        if cache.validated_by == never_use.__name__:
            return None
        found = self._find_first(key, cache, inputs, parameters)
        if found is None and self._reader is not None:
            self._update(self._reader)
            found = self._find_first(key, cache, inputs, parameters)
        return found

    def _find_first(
        self, key: str, cache: Cache, inputs: Names | None, parameters: Any
    ) -> Cached | None:
        with self._lock:
            fresh = [each for each in self._entries.get(key, ()) if duration_only(each, None, None)]
            if fresh:
                self._entries[key] = fresh
            else:
                self._entries.pop(key, None)
        return next((each for each in fresh if cache.accepts(each, inputs, parameters)), None)

    def _update(self, reader: _JournalReader) -> None:
        """Add the results that are new in the journal."""
        with reader.lock:  # a thread that waits here finds what the other has added
            for key, entry in reader.news():
                self.add(key, entry)


class _JournalReader:
    """Reads the results that a journal keeps, each once."""

    def __init__(self, journal: Journal) -> None:
        self.lock = Lock()
        self._journal = journal
        self._seen: dict[str, int] = {}  # how many steps a run had when it was read

    def news(self) -> Iterator[tuple[str, Cached]]:
        """Yield the results that were not there at the last call, with their keys."""
        now = moment.to_micros(ambient.now())
        for run in list(self._journal.runs(state=Cached.__name__)):
            fresh = run.due is None or run.due > now  # what has expired need not be read
            if fresh and self._seen.get(run.run) != run.steps:
                yield from self._read(run)
                self._seen[run.run] = run.steps

    def _read(self, run: Summary) -> Iterator[tuple[str, Cached]]:
        try:
            steps = list(self._journal.steps(run.run))
            settings = steps[0].settings or {}
            key = as_policy(settings.get("policy", {})).cache.key
        except (CorruptJournal, UnknownRun, InvalidArgument) as error:
            logger.warning("the result of run %s cannot be used: %s", run.run, error)
            return
        entry = steps[-1].dest
        if key is not None and isinstance(entry, Cached):
            yield key, entry
