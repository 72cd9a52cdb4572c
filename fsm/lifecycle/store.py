"""RunJournal: what a run asks of where its steps are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from fsm.journal.records import Record
from fsm.lifecycle.refusal import Refusal

from .step import Step

if TYPE_CHECKING:
    from fsm.run.run import Run

__all__ = ["RunJournal"]


@runtime_checkable
class RunJournal(Protocol):
    """What a run asks of where its steps are kept: a `Journal`, or a `Claim` on one of its runs.

    Safe under threads. A step that `append` has returned from is kept, whatever happens next.
    """

    @property
    def blocking(self) -> bool:
        """Whether `append` may wait for a disk or a network."""
        ...

    def append(
        self, step: Step, of: type[Run] | None = None, *, outbox: Sequence[str] = ()
    ) -> None:
        """Make *step* durable, or raise and leave no trace.

        Args:
            of: The class it is a run of.
            outbox: The listeners that are to be told of it, even if the process dies before.

        Raises:
            StaleRun: Another writer has taken this place in the history.
            JournalError: It could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept: for whoever was interrupted before they knew."""
        ...

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep, for who asks later, that an attempt was refused."""

    def told(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener of the outbox has been told."""

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
            CorruptJournal: What is kept there cannot be read.
        """
        ...

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; needs none of the classes it names.

        Raises:
            UnknownRun: There is none.
        """
        ...
