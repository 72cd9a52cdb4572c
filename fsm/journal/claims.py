"""Claims: who may write a run until when, and the fencing token that keeps late writers out."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any, Self

import attrs
import pendulum

from fsm.errors import InvalidArgument, JournalError, StaleRun
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states import StateError, moment

from . import base
from .arguments import LifecycleLike, as_micros
from .records import Record, Summary

__all__ = ["ADOPT", "DROP", "KEEP", "Claim", "Lease", "Leases", "check_policy"]

ADOPT, KEEP, DROP = "adopt", "keep", "drop"


class Claim:
    """The right of one worker to write one run, until the lease lapses. A journal for that run:

        for claim in journal.claim(10, owner="worker-1", lease=60):
            run = TaskRun.restore(claim.run, claim)

    Each write carries the epoch of the claim, a fencing token. It raises `StaleRun` once another
    worker has claimed the run, or another writer has moved it; the step is then a late result:

    - "adopt", the default: while no one else has claimed the run, a step is taken even if the
      lease has lapsed; afterwards it is kept as a late result
    - "keep": a step after the lease has lapsed is kept as a late result
    - "drop": as "keep", but late results are not kept

    Attributes:
        run: The id of the run.
        epoch: How often the run was claimed or released, up to this claim.
        owner: The name of the worker.
        late_policy: "adopt", "keep" or "drop".
    """

    __module__ = "fsm.journal"
    __slots__ = ("_journal", "_until", "epoch", "late_policy", "owner", "run")

    def __init__(
        self,
        journal: "base.Journal",
        run: str,
        epoch: int,
        owner: str,
        until: int,
        late: str = ADOPT,
    ) -> None:
        self._journal = journal
        self._until = until
        self.run: str = run
        self.epoch: int = epoch
        self.owner: str = owner
        self.late_policy: str = late

    @property
    def journal(self) -> "base.Journal":
        """The journal of the run."""
        return self._journal

    @property
    def until(self) -> pendulum.DateTime:
        """When the lease lapses, unless it is renewed."""
        return moment.from_micros(self._until)

    def heartbeat(
        self, lease: float | datetime.timedelta = 60.0, *, now: datetime.datetime | None = None
    ) -> None:
        """Renew the lease. One that has lapsed is renewed too, if no one else claimed the run.

        Args:
            lease: Seconds from now until the claim lapses.
            now: The time; that of the system if left out.

        Raises:
            StaleRun: Another worker has claimed the run, or this claim was released.
        """
        self._until = self._journal.renew(self, lease, now)

    def release(self) -> None:
        """Give the claim up, so that others can claim the run. Does nothing if another has."""
        self._journal.release(self)

    def lapse(self, *, now: datetime.datetime | None = None) -> None:
        """End the lease now. The run is then found among those whose worker is late or lost."""
        until = min(self._until, as_micros(now))
        if self._journal._renew(self.run, self.epoch, until):
            self._until = until

    # What makes it a journal for its run.

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

        Args:
            lifecycle: Of the run, or its class: the step must be one of its edges.
            outbox: Names of the listeners that must receive the step, even if the process dies
                first.

        Raises:
            StaleRun: Another writer has moved or claimed the run. `kept` says whether the step was
                kept as a late result.
            JournalError: The step could not be kept.
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
                self._add_late_result(step, stale)
            raise

    def _add_late_result(self, step: Step, stale: StaleRun) -> None:
        try:
            self._journal.add_late_result(step, self, stale.winner)
            stale.kept = True
        except (JournalError, StateError) as error:  # that the run is stale matters more
            stale.add_note(f"nor could the step be kept as a late result: {error}")

    def steps(self, run: str) -> Iterator[Step]:
        """Yield the history of a run, oldest step first.

        Raises:
            UnknownRun: There is no such run.
            CorruptJournal: A step cannot be read.
        """
        return self._journal.steps(run)

    def records(self, run: str) -> Iterator[Record]:
        """Yield the history of a run, written out. Needs none of the classes that it names.

        Raises:
            UnknownRun: There is no such run.
        """
        return self._journal.records(run)

    def runs(self, **wanted: Any) -> Iterator[Summary]:
        """Yield summaries of the journal's runs; takes the arguments of `Journal.runs`."""
        return self._journal.runs(**wanted)

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept. Asked after an interrupt during `append`."""
        return self._journal.holds(step)

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt; the owner of the claim made it, if no one else."""
        self._journal.note_refusal(refusal._replace(who=refusal.who or self.owner))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Remove a listener from the outbox: it has received the step."""
        self._journal.mark_delivered(run, seq, listener)

    def close(self) -> None:
        """Release the claim; the journal stays open."""
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.close()
        else:  # a run that is released while it is Running would never be found by a rescue
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


@attrs.frozen
class Lease:
    """Which claim of a run is the last, and until when it lasts. In a database it is a row."""

    epoch: int = 0
    owner: str | None = None
    until: int | None = None

    def is_active(self, now: int) -> bool:
        """Whether no other worker may claim the run."""
        return self.until is not None and self.until > now


_UNCLAIMED = Lease()


class Leases:
    """The leases of all runs of a journal without a database.

    Not safe under threads: the journal holds its lock meanwhile.
    """

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}

    def of(self, run: str) -> Lease:
        """Return the lease of a run."""
        return self._leases.get(run, _UNCLAIMED)

    def claim(self, run: str, owner: str, until: int) -> int:
        """Give the run to *owner*; return the epoch of the claim."""
        epoch = self.of(run).epoch + 1
        self._leases[run] = Lease(epoch, owner, until)
        return epoch

    def renew(self, run: str, epoch: int, until: int) -> bool:
        """Let the claim of this epoch last until then; return whether it was the last one."""
        lease = self.of(run)
        if lease.epoch != epoch or lease.until is None:
            return False
        self._leases[run] = attrs.evolve(lease, until=until)
        return True

    def release(self, run: str, epoch: int) -> bool:
        """Give the claim of this epoch up; return whether it was the last one."""
        lease = self.of(run)
        if lease.epoch != epoch or lease.until is None:
            return False
        self._leases[run] = Lease(epoch + 1)
        return True

    def revoke(self, run: str, owner: str, now: int) -> bool:
        """End the lease of *owner* now; return whether the claim was theirs."""
        lease = self.of(run)
        if lease.owner != owner or lease.until is None:
            return False
        self._leases[run] = attrs.evolve(lease, until=min(lease.until, now))
        return True
