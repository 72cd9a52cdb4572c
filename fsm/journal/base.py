"""Journal: the contract of all journals, on top of how each of them keeps its rows."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from fsm.errors import InvalidArgument, StaleRun
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states.codec import limits

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
from .claims import ADOPT, Claim, check_policy
from .late import Late
from .queries import Directory
from .records import Record

if TYPE_CHECKING:
    import datetime

    from .address import Address

__all__ = ["Journal"]


class Journal(Directory):
    """Keeps the steps of runs, each under its run and its place there.

    Safe under threads. A step that `append` has returned from is kept, whatever happens next.
    """

    blocking = True

    @property
    def address(self) -> Address | None:
        """By which another process opens it; None where no other can."""
        return None

    def changes(self) -> object | None:
        """A value that differs from any earlier one if anybody has committed anything since.

        It may differ for no reason. None where it cannot be said: then look.
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
            epoch: Of the claim it is made under. None for a step outside of any claim, such as a
                person's who cancels: only the place it wants speaks for or against it.
            outbox: The listeners that are to be told of it, even if the process dies before.

        Raises:
            StaleRun: Another writer has taken this place in the history, or claimed the run.
            JournalError: It could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

    @abc.abstractmethod
    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none of them.

        Raises:
            As `append`.
        """

    @abc.abstractmethod
    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
            CorruptJournal: What is kept there cannot be read.
        """

    @abc.abstractmethod
    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; needs none of the classes it names.

        Raises:
            UnknownRun: There is none.
        """

    @abc.abstractmethod
    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept: for whoever was interrupted before they knew."""

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
        late: str = ADOPT,
    ) -> list[Claim]:
        """Claim runs that are due to be started and that nobody else has, longest due first.

        Args:
            limit: How many at most.
            owner: Who claims them, for others to see.
            lease: Seconds until the claims lapse, unless renewed.
            run: This run and no other, whatever state it is in; nothing if it is taken.
            kinds: Only runs of these lifecycles or classes, not of subclasses.
            late: What becomes of a step that comes too late; see `Claim`.

        Raises:
            UnknownRun: There is no such run.
        """
        limit, owner, late = as_limit(limit), as_owner(owner), check_policy(late)
        at, until, among = as_micros(now), lease_end(lease, now), as_kinds(kinds)
        if run is not None:
            self.summary(run)
        taken = self._claim(limit, owner, at, until, run, among)
        return [Claim(self, id, epoch, owner, until, late) for id, epoch in taken]

    def renew(
        self,
        claim: Claim,
        lease: float | datetime.timedelta = 60.0,
        now: datetime.datetime | None = None,
    ) -> int:
        """Let *claim* last for *lease* seconds from now; return until when.

        Raises:
            StaleRun: Somebody else has claimed the run since.
        """
        until = lease_end(lease, now)
        _check_claim(claim)
        if not self._renew(claim.run, claim.epoch, until):
            found = self.summary(claim.run)
            winner = f"claim {found.epoch} by {found.owner}" if found.owner else "released"
            raise StaleRun(claim.run, found.steps, winner)
        return until

    def free(self, claim: Claim) -> bool:
        """Give *claim* up; whether it was still the last one made."""
        _check_claim(claim)
        return self._free(claim.run, claim.epoch)

    def revoke(self, run: str, *, owner: str, now: datetime.datetime | None = None) -> bool:
        """Let the claim that *owner* has on *run* end now: for whoever knows that they are gone.

        Others may claim the run at once, and with that supersede whoever had it.

        Returns:
            Whether the claim was theirs.
        """
        run, owner, at = as_run(run), as_owner(owner), as_micros(now)
        return limits.is_clean(run) and self._revoke(run, owner, at)

    # What was refused, what came late, and who is still to be told.

    @abc.abstractmethod
    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt was refused, of those of one event after one step the last noted.

        A run notes the first of its own. A note beside the history, which no step depends on:
        nobody waits for it, and of a run that is not here none is kept.
        """

    def refusals(self, run: str | None = None) -> Iterator[Refusal]:
        """The attempts that were refused, of one run or of all, by their time."""
        return self._refusals_of(run) if limits.is_clean(as_name("run", run) or "") else iter(())

    @abc.abstractmethod
    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""

    def late(self, run: str | None = None) -> Iterator[Late]:
        """The steps that came too late, of one run or of all, in the order they came."""
        return self._came_late(run) if limits.is_clean(as_name("run", run) or "") else iter(())

    @abc.abstractmethod
    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step: run, seq and the name of the listener."""

    @abc.abstractmethod
    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener has been told."""

    @abc.abstractmethod
    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """The edges that runs of this class may take: source, event and dest by name."""

    @abc.abstractmethod
    def faults(self) -> Iterator[str]:
        """What is wrong with how the rows are kept, apart from what they say."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of files and connections; what was kept stays kept. `with` does so too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # How each keeps its rows.

    @abc.abstractmethod
    def _refusals_of(self, run: str | None) -> Iterator[Refusal]: ...

    @abc.abstractmethod
    def _came_late(self, run: str | None) -> Iterator[Late]: ...

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
    def _free(self, run: str, epoch: int) -> bool: ...

    @abc.abstractmethod
    def _revoke(self, run: str, owner: str, now: int) -> bool: ...


def _check_claim(claim: object) -> None:
    if not isinstance(claim, Claim):
        raise InvalidArgument(f"a claim is what Journal.claim gives, not {claim!r}")
