"""Claim: one run as its journal lets one worker write it, until the lease lapses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from fsm.errors import InvalidArgument, JournalError, StaleRun
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states import StateError, moment

from .arguments import LifecycleLike, as_micros
from .records import Record
from .summary import Summary

if TYPE_CHECKING:
    import datetime

    import pendulum

    from .base import Journal

__all__ = ["ADOPT", "DROP", "KEEP", "Claim", "check_policy"]

ADOPT, KEEP, DROP = "adopt", "keep", "drop"


class Claim:
    """One run as its journal lets one worker write it. It is a journal for that run:

        for claim in journal.claim(10, owner="worker-1", lease=60):
            run = TaskRun.restore(claim.run, claim)

    Every write carries the epoch of the claim. Once somebody else has claimed the run, or has
    moved it on, a write raises `StaleRun`; what it would have recorded is a late result:

    - "adopt", the default: as long as nobody has claimed the run since, a step is taken even
      though the lease has lapsed; afterwards it is kept aside
    - "keep": a step after the lease has lapsed is kept aside
    - "drop": as "keep", but nothing is kept
    """

    __slots__ = ("_journal", "_until", "epoch", "late_policy", "owner", "run")

    def __init__(
        self, journal: Journal, run: str, epoch: int, owner: str, until: int, late: str = ADOPT
    ) -> None:
        self._journal = journal
        self._until = until
        self.run, self.epoch, self.owner, self.late_policy = run, epoch, owner, late

    @property
    def journal(self) -> Journal:
        """The journal it is of."""
        return self._journal

    @property
    def until(self) -> pendulum.DateTime:
        """When the lease lapses, unless it is renewed."""
        return moment.from_micros(self._until)

    def heartbeat(self, lease: float = 60.0, *, now: datetime.datetime | None = None) -> None:
        """Renew the lease, for *lease* seconds from now. A lapsed one too, if nobody took over.

        Raises:
            StaleRun: Somebody else has claimed the run, or this claim was released.
        """
        self._until = self._journal.renew(self, lease, now)

    def release(self) -> None:
        """Let others claim the run. Nothing happens if they have done so already."""
        self._journal.free(self)

    def lapse(self, *, now: datetime.datetime | None = None) -> None:
        """Let the lease end now, where it has not: who looks for lost runs finds this one."""
        until = min(self._until, as_micros(now))
        if self._journal._renew(self.run, self.epoch, until):
            self._until = until

    # What makes it a journal, for its one run.

    @property
    def blocking(self) -> bool:
        """Whether `append` may wait for a disk or a network."""
        return self._journal.blocking

    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable under this claim, or raise and leave the history as it was.

        Raises:
            StaleRun: Somebody else has moved or claimed the run; `kept` says whether the step was
                kept aside as a late result.
            JournalError: It could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """
        if step.run != self.run:
            raise InvalidArgument(f"this claim is of run {self.run!r}, not of {step.run!r}")
        try:
            if self.late_policy != ADOPT and step.micros >= self._until:
                raise StaleRun(step.run, step.seq, f"lapsed: the lease ended at {self.until}")
            self._journal.append(step, lifecycle, epoch=self.epoch, outbox=outbox)
        except StaleRun as stale:
            if self.late_policy != DROP:
                self._set_aside(step, stale)
            raise

    def _set_aside(self, step: Step, stale: StaleRun) -> None:
        try:
            self._journal.set_aside(step, self, stale.winner)
            stale.kept = True
        except (JournalError, StateError) as error:  # who is late is to hear that first
            stale.add_note(f"nor could the step be kept aside: {error}")

    def steps(self, run: str) -> Iterator[Step]:
        """As the journal's own."""
        return self._journal.steps(run)

    def records(self, run: str) -> Iterator[Record]:
        """As the journal's own."""
        return self._journal.records(run)

    def runs(self, **wanted: Any) -> Iterator[Summary]:
        """As the journal's own."""
        return self._journal.runs(**wanted)

    def holds(self, step: Step) -> bool:
        """As the journal's own."""
        return self._journal.holds(step)

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt under this claim was refused."""
        self._journal.note_refusal(refusal._replace(who=refusal.who or self.owner))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """As the journal's own."""
        self._journal.mark_delivered(run, seq, listener)

    def close(self) -> None:
        """Release the claim; the journal stays open."""
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.close()
        else:  # released while it runs, the run would be nobody's, and no rescue would find it
            self.lapse()

    def __repr__(self) -> str:
        return f"<Claim {self.epoch} of {self.run!r} by {self.owner!r}>"


def check_policy(late: object) -> str:
    """Accept one of the three ways to treat a late result.

    Raises:
        InvalidArgument: It is none.
    """
    if late not in (ADOPT, KEEP, DROP):
        raise InvalidArgument(f"late is 'adopt', 'keep' or 'drop', not {late!r}")
    return str(late)
