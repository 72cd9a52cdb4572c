"""Journals: where the steps of runs are kept. One protocol, several keepers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self, runtime_checkable

from fsm.step import Step

from .memory import MemoryJournal
from .opening import open_journal
from .record import Record
from .summary import Summary

__all__ = ["Journal", "MemoryJournal", "Record", "Summary", "open_journal"]


@runtime_checkable
class Journal(Protocol):
    """Keeps the steps of runs, each under its run and its place there.

    Safe under threads. A step that `append` has returned from is kept, whatever happens next.
    """

    blocking: bool  # whether `append` may wait for a disk or a network

    def append(self, step: Step) -> None:
        """Make *step* durable, or raise and leave no trace.

        Raises:
            StaleRun: Another writer has taken this place in the history.
            JournalError: It could not be kept.
            NotSerializable: The payload cannot be written; names the field.
        """

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

    def runs(self) -> Iterator[Summary]:
        """What is known of each run, by the time of their first steps, then by name."""
        ...

    def close(self) -> None:
        """Let go of files and connections; what was kept stays kept. `with` does so too."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
