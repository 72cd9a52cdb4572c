"""Journal: the contract of all journals."""

import abc
import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from fsm.errors import InvalidArgument, StaleRun
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states.codec import limits

from . import claims, opening
from .arguments import (
    LifecycleLike,
    as_kinds,
    as_limit,
    as_micros,
    as_name,
    as_owner,
    as_run,
    lease_end,
)
from .queries import JournalQueries
from .records import LateResult, Record

__all__ = ["Journal"]


class Journal(JournalQueries):
    """An append-only log of the steps of runs, with claims on them.

    Safe under threads. A step is kept, whatever happens next, once `append` has returned.
    """

    __module__ = "fsm"

    blocking = True

    @property
    def address(self) -> "opening.Address | None":
        """By which another process opens the journal; None where no other process can."""
        return None

    def changes(self) -> object | None:
        """Return a value that differs from all earlier ones if anything was committed since.

        It may differ without a change. None means that the journal cannot tell.
        """
        return None

    # Steps.

    @abc.abstractmethod
    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable, or raise and leave no trace.

        Args:
            lifecycle: Of the run, or its class: the step must be one of its edges.
            epoch: Fencing token of the claim that the step is made under. None for a step outside
                of any claim, such as an operator's: then only its place in the history decides.
            outbox: Names of the listeners that must receive the step, even if the process dies
                first.

        Raises:
            StaleRun: Another writer has made this step of the run, or claimed the run.
            JournalError: The step could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

    @abc.abstractmethod
    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none of them.

        Args:
            lifecycle: Of all these runs, or their class.

        Raises:
            StaleRun: Another writer has made one of these steps, or one does not follow the last.
            JournalError: A step could not be kept.
            NotSerializable: A payload cannot be written; names the field.
        """

    @abc.abstractmethod
    def steps(self, run: str) -> Iterator[Step]:
        """Yield the history of a run, oldest step first.

        Raises:
            UnknownRun: There is no such run.
            CorruptJournal: A step cannot be read.
        """

    @abc.abstractmethod
    def records(self, run: str) -> Iterator[Record]:
        """Yield the history of a run, written out. Needs none of the classes that it names.

        Raises:
            UnknownRun: There is no such run.
        """

    @abc.abstractmethod
    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept. Asked after an interrupt during `append`."""

    # Claims.

    def claim(
        self,
        limit: int = 1,
        *,
        owner: str,
        lease: float | datetime.timedelta = 60.0,
        run: str | None = None,
        kinds: Iterable[LifecycleLike] | None = None,
        now: datetime.datetime | None = None,
        late: str = "adopt",
    ) -> "list[claims.Claim]":
        """Claim runs that are due to start and that no other worker has, longest due first.

        Args:
            limit: The largest number of claims.
            owner: The name of the worker, for others to see.
            lease: Seconds until the claims lapse, unless renewed.
            run: Only this run, whatever state it is in; no claim is made if another worker has it.
            kinds: Only runs of these lifecycles or classes, not of subclasses.
            now: The time; that of the system if left out.
            late: What becomes of a step that comes too late: "adopt", "keep" or "drop"; see
                `Claim`.

        Raises:
            UnknownRun: There is no run of this id.
            JournalError: The journal cannot be written.
        """
        limit, owner, late = as_limit(limit), as_owner(owner), claims.check_policy(late)
        at, until, among = as_micros(now), lease_end(lease, now), as_kinds(kinds)
        if run is not None:
            self.summary(run)
        claimed = self._claim(limit, owner, at, until, run, among)
        return [claims.Claim(self, id, epoch, owner, until, late) for id, epoch in claimed]

    def renew(
        self,
        claim: "claims.Claim",
        lease: float | datetime.timedelta = 60.0,
        now: datetime.datetime | None = None,
    ) -> int:
        """Let *claim* last for *lease* seconds from now.

        Returns:
            When it lapses, in microseconds since 1970.

        Raises:
            StaleRun: Another worker has claimed the run since, or the claim was released.
        """
        until = lease_end(lease, now)
        _check_claim(claim)
        if not self._renew(claim.run, claim.epoch, until):
            summary = self.summary(claim.run)
            winner = f"claim {summary.epoch} by {summary.owner}" if summary.owner else "released"
            raise StaleRun(claim.run, summary.steps, winner)
        return until

    def release(self, claim: "claims.Claim") -> bool:
        """Give *claim* up; return whether it was still the last one of its run."""
        _check_claim(claim)
        return self._release(claim.run, claim.epoch)

    def revoke(self, run: str, *, owner: str, now: datetime.datetime | None = None) -> bool:
        """End the lease of *owner* on *run* now, because that worker is known to be lost.

        Other workers may claim the run at once. That supersedes the claim: its worker, if it
        lives after all, cannot write any more.

        Returns:
            Whether the claim was theirs.
        """
        run, owner, at = as_run(run), as_owner(owner), as_micros(now)
        return limits.is_clean(run) and self._revoke(run, owner, at)

    # Refused attempts, late results, and the outbox.

    @abc.abstractmethod
    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt. Of several of one event after one step, the last.

        No step depends on it: it may be lost, and one of a run that is not here is not kept. A
        run notes the first of its own refusals only.
        """

    def refusals(self, run: str | None = None) -> Iterator[Refusal]:
        """Yield the attempts that were refused, of one run or of all, by time."""
        return self._refusals_of(run) if limits.is_clean(as_name("run", run) or "") else iter(())

    @abc.abstractmethod
    def add_late_result(self, step: Step, claim: "claims.Claim", reason: str) -> None:
        """Keep a step that came too late, apart from the history.

        Args:
            claim: Under which the step was made.
            reason: What was recorded instead.
        """

    def late_results(self, run: str | None = None) -> Iterator[LateResult]:
        """Yield the steps that came too late, of one run or of all, in the order they came."""
        return self._late_results(run) if limits.is_clean(as_name("run", run) or "") else iter(())

    @abc.abstractmethod
    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Yield what is still to be delivered: run, seq of the step, name of the listener."""

    @abc.abstractmethod
    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Remove a listener from the outbox: it has received the step."""

    @abc.abstractmethod
    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """Return the edges that runs of this kind may take: source, event and dest by name."""

    @abc.abstractmethod
    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the rows and the rules of the database, in sentences."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close files and connections. A `with` block does so too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # What each store does in its own way.

    @abc.abstractmethod
    def _refusals_of(self, run: str | None) -> Iterator[Refusal]: ...

    @abc.abstractmethod
    def _late_results(self, run: str | None) -> Iterator[LateResult]: ...

    @abc.abstractmethod
    def _claim(
        self,
        limit: int,
        owner: str,
        now: int,
        until: int,
        run: str | None,
        kinds: tuple[str, ...] | None,
    ) -> list[tuple[str, int]]: ...

    @abc.abstractmethod
    def _renew(self, run: str, epoch: int, until: int) -> bool: ...

    @abc.abstractmethod
    def _release(self, run: str, epoch: int) -> bool: ...

    @abc.abstractmethod
    def _revoke(self, run: str, owner: str, now: int) -> bool: ...


def _check_claim(claim: object) -> None:
    if not isinstance(claim, claims.Claim):
        raise InvalidArgument(f"a claim is what Journal.claim returns, not {claim!r}")
