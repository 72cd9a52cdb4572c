"""Directory: which runs a journal knows, and how they stand."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fsm.durations import as_seconds
from fsm.errors import UnknownRun

from .arguments import LifecycleLike, as_micros, as_name, kind_of
from .summary import Summary
from .traffic import Traffic
from .wanted import Wanted

if TYPE_CHECKING:
    import datetime


__all__ = ["Directory"]


class Directory(abc.ABC):
    """Which runs a journal knows, and how they stand: asked without reading a history."""

    def runs(
        self,
        *,
        state: str | None = None,
        owner: str | None = None,
        older_than: float | datetime.timedelta | None = None,
        now: datetime.datetime | None = None,
    ) -> Iterator[Summary]:
        """What is known of each run, by the time of their first steps, then by name.

        Args:
            state: Only those in the state of this name.
            owner: Only those claimed by this worker.
            older_than: Only those that have not moved for so many seconds.
        """
        before = None
        if older_than is not None:
            before = as_micros(now) - round(as_seconds(older_than, "older_than") * 1e6)
        state, owner = as_name("state", state), as_name("owner", owner)
        return self._found(Wanted(state=state, owner=owner, moved_before=before))

    def summary(self, run: str) -> Summary:
        """What is known of one run.

        Raises:
            UnknownRun: There is none.
        """
        found = next(self._found(Wanted(run=run)), None) if isinstance(run, str) else None
        if found is None:
            raise UnknownRun(run, self)
        return found

    def due(self, now: datetime.datetime | None = None) -> Iterator[Summary]:
        """The runs whose time has come: to start, to resume, to retry, to time out, to expire.

        The longest due come first.
        """
        return self._found(Wanted(waking_by=as_micros(now)))

    def recover(self) -> Iterator[Summary]:
        """The runs that are not done: what a process looks for after a restart.

        A failed run is among them while its policy allows more retries than it has had.
        """
        return self._found(Wanted(unsettled=True))

    def lapsed(self, now: datetime.datetime | None = None) -> Iterator[Summary]:
        """The runs that are not done and whose claim has lapsed: their workers are late, or lost.

        A failed run is among them as it is among those to `recover`.
        """
        return self._found(Wanted(lapsed_by=as_micros(now), unsettled=True))

    def children(self, run: str) -> Iterator[Summary]:
        """The children of a mapped run, in their order: the runs called `RUN[0]`, `RUN[1]` ..."""
        return self._found(Wanted(parent=as_name("run", run) or ""))

    def traffic(self, lifecycle: LifecycleLike | str | None = None) -> Traffic:
        """How many runs are where, how long they stayed there, and which ways they took.

        Args:
            lifecycle: Only runs of this lifecycle, class or kind, not of subclasses; all runs if
                left out.
        """
        if lifecycle is None or isinstance(lifecycle, str):
            return self._traffic(lifecycle)
        return self._traffic(kind_of(lifecycle))

    def _found(self, wanted: Wanted) -> Iterator[Summary]:
        return self._summaries(wanted) if wanted.possible else iter(())

    @abc.abstractmethod
    def _traffic(self, kind: str | None) -> Traffic: ...

    @abc.abstractmethod
    def _summaries(self, wanted: Wanted) -> Iterator[Summary]: ...
