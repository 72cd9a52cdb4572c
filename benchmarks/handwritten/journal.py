"""The journal of hand-written runs."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Journal", "Record", "Refused"]


class Record(NamedTuple):
    """One step."""

    run: str
    seq: int
    event: str
    source: Any
    dest: Any
    micros: int


class Refused(Exception):
    """The step is not allowed, or its number in the journal is taken."""


class Journal:
    """Keeps records in memory, by run and number; the first writer wins."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[int, Record]] = {}

    def append(self, record: Record) -> None:
        """Keep *record*, or refuse it."""
        known = self.runs.get(record.run)
        if known is None:
            known = self.runs.setdefault(record.run, {})
        if record.seq > 1 and record.seq - 1 not in known:
            raise Refused(f"step {record.seq} of {record.run} is ahead")
        if known.setdefault(record.seq, record) is not record:
            raise Refused(f"step {record.seq} of {record.run} is taken")
