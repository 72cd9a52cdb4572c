"""Journal: the contract of all journals, on top of how each of them keeps its rows."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from fsm.errors import InvalidArgument, StaleRun, UnknownRun
from fsm.step import Step
from states import limits

from .arguments import as_class, as_limit, as_micros, as_name, as_owner, as_seconds, lasting
from .claim import ADOPT, Claim, check_policy
from .late import Late
from .record import Record
from .summary import Summary
from .wanted import Wanted

if TYPE_CHECKING:
    import datetime

    from fsm.run import Run

__all__ = ["Journal", "kind_of"]


class Journal(abc.ABC):
    """Keeps the steps of runs, each under its run and its place there.

    Safe under threads. A step that `append` has returned from is kept, whatever happens next.
    """

    blocking = True

    # Steps.

    @abc.abstractmethod
    def append(
        self,
        step: Step,
        of: type[Run] | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable, or raise and leave no trace.

        Args:
            of: The class it is a run of, whose table the step is held against.
            epoch: Of the claim it is made under. None for a step outside of any claim, such as a
                person's who cancels: only the place it wants speaks for or against it.
            outbox: The listeners that are to be told of it, even if the process dies before.

        Raises:
            StaleRun: Another writer has taken this place in the history, or claimed the run.
            JournalError: It could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

    @abc.abstractmethod
    def extend(self, steps: Iterable[Step], of: type[Run] | None = None) -> None:
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

    # Runs.

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
            before = as_micros(now) - round(as_seconds("older_than", older_than) * 1e6)
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
        """The unfinished runs whose claim has lapsed: their workers are late, or lost."""
        return self._found(Wanted(lapsed_by=as_micros(now)))

    def children(self, run: str) -> Iterator[Summary]:
        """The children of a mapped run, in their order: the runs called `RUN[0]`, `RUN[1]` ..."""
        return self._found(Wanted(parent=as_name("run", run) or ""))

    # Claims.

    def claim(
        self,
        limit: int = 1,
        *,
        owner: str,
        lease: float | datetime.timedelta = 60.0,
        run: str | None = None,
        now: datetime.datetime | None = None,
        late: str = ADOPT,
    ) -> list[Claim]:
        """Claim runs that are due to be started and that nobody else has, longest due first.

        Args:
            limit: How many at most.
            owner: Who claims them, for others to see.
            lease: Seconds until the claims lapse, unless renewed.
            run: This run and no other, whatever state it is in; nothing if it is taken.
            late: What becomes of a step that comes too late; see `Claim`.

        Raises:
            UnknownRun: There is no such run.
        """
        limit, owner, late = as_limit(limit), as_owner(owner), check_policy(late)
        at, until = as_micros(now), lasting(lease, now)
        if run is not None:
            self.summary(run)
        taken = self._claim(limit, owner, at, until, run)
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
        until = lasting(lease, now)
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

    # What came late, and who is still to be told.

    @abc.abstractmethod
    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""

    def late(self, run: str | None = None) -> Iterator[Late]:
        """The steps that came too late, of one run or of all, in the order they came."""
        return self._came_late(run) if limits.is_clean(as_name("run", run) or "") else iter(())

    @abc.abstractmethod
    def untold(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step: run, seq and the name of the listener."""

    @abc.abstractmethod
    def told(self, run: str, seq: int, listener: str) -> None:
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

    def _found(self, wanted: Wanted) -> Iterator[Summary]:
        return self._summaries(wanted) if wanted.possible else iter(())

    # How each keeps its rows.

    @abc.abstractmethod
    def _came_late(self, run: str | None) -> Iterator[Late]: ...

    @abc.abstractmethod
    def _summaries(self, wanted: Wanted) -> Iterator[Summary]: ...

    @abc.abstractmethod
    def _claim(
        self, limit: int, owner: str, now: int, until: int, run: str | None
    ) -> list[tuple[str, int]]: ...

    @abc.abstractmethod
    def _renew(self, run: str, epoch: int, until: int) -> bool: ...

    @abc.abstractmethod
    def _free(self, run: str, epoch: int) -> bool: ...


def kind_of(cls: type[Run] | None) -> str:
    """What a journal calls the class of a run; empty where it was not said."""
    cls = as_class(cls)
    return "" if cls is None else f"{cls.__module__}:{cls.__qualname__}"


def _check_claim(claim: object) -> None:
    if not isinstance(claim, Claim):
        raise InvalidArgument(f"a claim is what Journal.claim gives, not {claim!r}")
