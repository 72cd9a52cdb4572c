"""Queries: what a journal answers about its runs without reading a history."""

import abc
import datetime
from collections.abc import Iterator

import attrs

from fsm.durations import as_seconds
from fsm.errors import UnknownRun
from fsm.states.codec import limits

from .arguments import LifecycleLike, as_micros, as_name, kind_of
from .phase import FAILED
from .records import Summary
from .traffic import Traffic

__all__ = ["JournalQueries", "RunFilter"]


@attrs.frozen
class RunFilter:
    """Which runs are wanted; a part that is None matches all. Times are microseconds since 1970."""

    run: str | None = None
    state: str | None = None
    owner: str | None = None
    parent: str | None = None
    moved_before: int | None = None
    waking_by: int | None = None  # due, or at their deadline, by then; longest due first
    lapsed_by: int | None = None  # claimed, and the lease has lapsed by then
    unfinished: bool | None = None  # there is work left

    @property
    def is_possible(self) -> bool:
        """Whether there can be such runs: no journal keeps NUL or a lone surrogate."""
        return all(
            map(limits.is_clean, filter(None, (self.run, self.state, self.owner, self.parent)))
        )

    def matches(self, run: Summary, retries_left: bool) -> bool:
        """Whether *run* is wanted. The conditions in `relational.statements` say it in SQL."""
        return (
            self.run in (None, run.run)
            and self.state in (None, run.state)
            and self.owner in (None, run.owner)
            and self.parent in (None, run.parent)
            and (self.moved_before is None or run.moved < self.moved_before)
            and (self.waking_by is None or _is_by(run.wakes, self.waking_by))
            and (self.lapsed_by is None or _is_by(run.lease, self.lapsed_by))
            and (self.unfinished is None or not run.over or (run.phase == FAILED and retries_left))
        )

    def sort_key(self, run: Summary) -> tuple[int, str]:
        """The order in which the runs are listed: by a time, then by their ids."""
        if self.parent is not None:
            return run.child or 0, run.run
        return (run.began if self.waking_by is None else run.wakes or 0), run.run


def _is_by(time: int | None, end: int) -> bool:
    return time is not None and time <= end


class JournalQueries(abc.ABC):
    """What a journal answers about its runs without reading a history."""

    def runs(
        self,
        *,
        state: str | None = None,
        owner: str | None = None,
        older_than: float | datetime.timedelta | None = None,
        now: datetime.datetime | None = None,
    ) -> Iterator[Summary]:
        """Yield the summary of each run, by the time of its first step, then by id.

        Args:
            state: Only runs in the state of this name.
            owner: Only runs claimed by this worker.
            older_than: Only runs whose last step is more than this many seconds ago.
            now: The time; that of the system if left out.
        """
        before = None
        if older_than is not None:
            before = as_micros(now) - round(as_seconds(older_than, "older_than") * 1e6)
        state, owner = as_name("state", state), as_name("owner", owner)
        return self._find(RunFilter(state=state, owner=owner, moved_before=before))

    def summary(self, run: str) -> Summary:
        """Return the summary of one run.

        Raises:
            UnknownRun: There is no such run.
        """
        summary = next(self._find(RunFilter(run=run)), None) if isinstance(run, str) else None
        if summary is None:
            raise UnknownRun(run, self)
        return summary

    def due(self, now: datetime.datetime | None = None) -> Iterator[Summary]:
        """Yield the runs whose time has come: to start, resume, retry, time out or expire.

        The longest due come first.

        Args:
            now: The time; that of the system if left out.
        """
        return self._find(RunFilter(waking_by=as_micros(now)))

    def recover(self) -> Iterator[Summary]:
        """Yield the runs with work left: what a process looks for after a restart.

        A failed run is among them while its policy allows another retry.
        """
        return self._find(RunFilter(unfinished=True))

    def find_lapsed(self, now: datetime.datetime | None = None) -> Iterator[Summary]:
        """Yield the runs with work left whose claim has lapsed: their workers are late or lost.

        A failed run is among them while its policy allows another retry.

        Args:
            now: The time; that of the system if left out.
        """
        return self._find(RunFilter(lapsed_by=as_micros(now), unfinished=True))

    def children(self, run: str) -> Iterator[Summary]:
        """Yield the children of a mapped run in order: the runs `RUN[0]`, `RUN[1]` ..."""
        return self._find(RunFilter(parent=as_name("run", run) or ""))

    def traffic(self, lifecycle: LifecycleLike | str | None = None) -> Traffic:
        """Count the runs in each state, how long they stayed, and the steps along each edge.

        Args:
            lifecycle: Only runs of this lifecycle, class or kind, not of subclasses; all runs if
                left out.
        """
        if lifecycle is None or isinstance(lifecycle, str):
            return self._traffic(lifecycle)
        return self._traffic(kind_of(lifecycle))

    def _find(self, wanted: RunFilter) -> Iterator[Summary]:
        return self._summaries(wanted) if wanted.is_possible else iter(())

    @abc.abstractmethod
    def _traffic(self, kind: str | None) -> Traffic: ...

    @abc.abstractmethod
    def _summaries(self, wanted: RunFilter) -> Iterator[Summary]: ...
