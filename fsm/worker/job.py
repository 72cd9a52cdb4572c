"""The job of a run that a worker has claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.execution.call import Call
from fsm.execution.commands import Reply, Wait
from fsm.execution.job import Job
from fsm.states import State, ambient
from fsm.telemetry import observers

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool
    from fsm.journal import Claim

__all__ = ["ClaimedJob", "WorkerStopped"]


class WorkerStopped(BaseException):
    """Raised in the worker's loop to end it."""


class ClaimedJob(Job):
    """The job of a claimed run. It ends when the run has to wait for long: it is due again then.

    Args:
        longest_wait: Seconds; a longer wait ends the job.
    """

    __slots__ = ("_longest_wait", "claim", "lost")

    def __init__(self, call: Call, claim: Claim, longest_wait: float) -> None:
        super().__init__(call, observers=observers())
        self.claim: Claim = claim
        self._longest_wait = longest_wait
        self.lost: bool = False  # whether another worker has claimed the run

    def advance(self, reply: Reply, pool: Pool) -> None:
        super().advance(reply, pool)
        if isinstance(self.command, Wait) and _seconds_until(self.command) > self._longest_wait:
            self.end: State | None = self.run.state

    def has_moved(self) -> bool:
        # The result of a lost job is still waited for: the journal keeps it as a late result.
        return not self.lost and super().has_moved()

    def lose(self) -> None:
        """Ask the task to end, after another worker has claimed the run."""
        self.lost = True
        if self.work is not None:
            self.work.give_up()

    def abandon(self, error: BaseException) -> None:
        # An interrupt stops the worker and not the run, which is put back.
        super().abandon(WorkerStopped() if isinstance(error, KeyboardInterrupt) else error)


def _seconds_until(wait: Wait) -> float:
    return (wait.until - ambient.now()).total_seconds()
