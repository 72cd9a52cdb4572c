"""Record: a step as a row of text and whole numbers, for journals that outlive the process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from fsm.errors import CorruptJournal
from fsm.step import Step
from states import NotSerializable, StateError, codec, moment

__all__ = ["Record", "read"]


@attrs.frozen
class Record:
    """One step, written out. Only a first step has an `origin`: where the run began, and how."""

    run: str
    seq: int
    event: str
    source: str
    dest: str
    micros: int
    payload: str
    origin: str | None

    @classmethod
    def of(cls, step: Step) -> Record:
        """Write *step* out.

        Raises:
            NotSerializable: The payload cannot be written; names the field.
        """
        origin = None
        if step.seq == 1:
            began = {"source": step.source.serialize(), "settings": dict(step.settings or {})}
            try:
                origin = json.dumps(began, sort_keys=True, separators=(",", ":"), allow_nan=False)
            except (TypeError, ValueError) as error:
                raise NotSerializable(f"settings cannot be written: {error}", "settings") from error
        return cls(
            run=step.run,
            seq=step.seq,
            event=step.event,
            source=type(step.source).__name__,
            dest=type(step.dest).__name__,
            micros=step.micros,
            payload=codec.dumps(step.dest),
            origin=origin,
        )


def read(records: Iterable[Record]) -> Iterator[Step]:
    """Read a run's records back, oldest first.

    Raises:
        CorruptJournal: One of them says what no state or step can be.
    """
    source = None
    for seq, record in enumerate(records, 1):
        try:
            settings: Any = None
            if seq == 1:
                began = json.loads(record.origin or "null")
                source = codec.read(began["source"])
                settings = dict(began["settings"])
            dest = codec.loads(record.payload)
            moment.from_micros(record.micros)
        except (StateError, ValueError, TypeError, KeyError) as error:
            raise CorruptJournal(
                f"run {record.run!r}, step {record.seq} cannot be read: {error}"
            ) from error
        names = (type(source).__name__, type(dest).__name__, seq)
        if source is None or names != (record.source, record.dest, record.seq):
            raise CorruptJournal(
                f"run {record.run!r}: where step {seq} should be, a step {record.seq} "
                f"from {record.source} to {record.dest} is recorded"
            )
        yield Step(record.run, seq, record.event, source, dest, record.micros, settings)
        source = dest
