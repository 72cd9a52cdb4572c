"""Wanted: which runs a journal is asked for."""

from __future__ import annotations

import attrs

from fsm.states.codec import limits

from .phase import FAILED
from .summary import Summary

__all__ = ["Wanted"]


@attrs.frozen
class Wanted:
    """Which runs; every part that is not None narrows it. Times are microseconds since 1970."""

    run: str | None = None
    state: str | None = None
    owner: str | None = None
    parent: str | None = None
    moved_before: int | None = None
    waking_by: int | None = None  # whose time has come, longest due first
    lapsed_by: int | None = None  # under a lease that has lapsed
    unsettled: bool | None = None  # whose work is not done

    @property
    def possible(self) -> bool:
        """Whether there can be such runs: no journal keeps NUL or a lone surrogate."""
        return all(
            map(limits.is_clean, filter(None, (self.run, self.state, self.owner, self.parent)))
        )

    def admits(self, run: Summary, retries_left: bool) -> bool:
        """Whether *run* is among them; what the conditions of `statements` say in SQL."""
        return (
            self.run in (None, run.run)
            and self.state in (None, run.state)
            and self.owner in (None, run.owner)
            and self.parent in (None, run.parent)
            and (self.moved_before is None or run.moved < self.moved_before)
            and (self.waking_by is None or _by(run.wakes, self.waking_by))
            and (self.lapsed_by is None or _by(run.lease, self.lapsed_by))
            and (self.unsettled is None or not run.over or (run.phase == FAILED and retries_left))
        )

    def order(self, run: Summary) -> tuple[int, str]:
        """By what they are sorted, and where that is the same, by name."""
        if self.parent is not None:
            return run.child or 0, run.run
        return (run.began if self.waking_by is None else run.wakes or 0), run.run


def _by(time: int | None, end: int) -> bool:
    return time is not None and time <= end
