"""StepStore: what a run requires of its journal."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from .refusal import Refusal
from .step import Step
from .table import Lifecycle

__all__ = ["StepStore"]


@runtime_checkable
class StepStore(Protocol):
    """What a run requires of its journal: a `Journal`, or a `Claim` of one of its runs.

    Safe under threads. A step is kept, whatever happens next, once `append` has returned.
    """

    @property
    def blocking(self) -> bool:
        """Whether `append` may wait for a disk or a network."""
        ...

    def append(
        self, step: Step, lifecycle: Lifecycle | None = None, *, outbox: Sequence[str] = ()
    ) -> None:
        """Make *step* durable, or raise and leave no trace.

        Args:
            lifecycle: Of the run; the step must be one of its edges.
            outbox: Names of the listeners that must receive the step, even if the process dies
                first.

        Raises:
            StaleRun: Another writer has made this step of the run.
            JournalError: The step could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept. Asked after an interrupt during `append`."""
        ...

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt."""

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Remove a listener from the outbox: it has received the step."""

    def steps(self, run: str) -> Iterator[Step]:
        """Yield the history of a run, oldest step first.

        Raises:
            UnknownRun: There is no such run.
            CorruptJournal: A step cannot be read.
        """
        ...


StepStore.__module__ = "fsm.lifecycle"  # where it is public
