"""Held: a run that a worker has claimed, under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsm.execution.call import Call
from fsm.execution.commands import Answer, Wait
from fsm.execution.job import Trip
from fsm.states import ambient
from fsm.telemetry import observers

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool
    from fsm.journal import Claim

__all__ = ["Held", "Stopped"]


class Stopped(BaseException):
    """The worker is to stop now."""


class Held(Trip):
    """A claimed run under way. One that is to wait for long is let go: it is due again."""

    __slots__ = ("_longest", "claim", "lost")

    def __init__(self, call: Call, claim: Claim, longest: float) -> None:
        super().__init__(call, observers=observers())
        self.claim, self._longest = claim, longest
        self.lost = False  # whether somebody else has claimed it

    def go_on(self, answer: Answer, pool: Pool) -> None:
        super().go_on(answer, pool)
        if isinstance(self.wish, Wait) and _left(self.wish) > self._longest:
            self.end = self.run.state

    def moved(self) -> bool:
        # What comes of a lost one is still waited for: the journal keeps it aside.
        return not self.lost and super().moved()

    def lose(self) -> None:
        """Somebody else has it now: ask the task to end."""
        self.lost = True
        if self.work is not None:
            self.work.give_up()

    def abandon(self, error: BaseException) -> None:
        # An interrupt is for the worker, not for the run, which is put back.
        super().abandon(Stopped() if isinstance(error, KeyboardInterrupt) else error)


def _left(wish: Wait) -> float:
    """Seconds until what is waited for."""
    return (wish.until - ambient.now()).total_seconds()
