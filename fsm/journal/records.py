"""Record: a step as a row of text and whole numbers, for journals that outlive the process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from fsm.errors import CorruptJournal
from fsm.lifecycle.step import Step
from fsm.states import Mapped, NotSerializable, StateError, codec, dumps, loads, moment

from .mapped import Children, filled, spared
from .phase import due_of, phase_of
from .redaction import Redaction

__all__ = ["Record", "read"]


class Record(NamedTuple):
    """One step, written out. Only a first step has an `origin`: where the run began, and how."""

    run: str
    seq: int
    event: str
    source: str
    dest: str
    micros: int
    payload: str
    origin: str | None
    phase: str  # of dest: waiting, running, finished or other
    due: int | None = None  # when time next moves the run, deadlines apart
    epoch: int | None = None  # of the claim it was made under
    key: str | None = None  # of the request it answers
    children: int | None = None  # how many of its payload's children are rows instead

    @classmethod
    def of(
        cls,
        step: Step,
        epoch: int | None = None,
        redaction: Redaction | None = None,
        rows: Children | None = None,
    ) -> Record:
        """Write *step* out.

        Args:
            rows: A run's children, where they are rows of the same journal.

        Raises:
            NotSerializable: The payload cannot be written; names the field.
        """
        write = dumps if redaction is None else redaction.dumps
        dest, spare = step.dest, None
        if rows is not None and isinstance(dest, Mapped) and dest.map_states:
            spare = spared(step.run, dest, rows, write)
        payload, children = (write(dest), None) if spare is None else spare
        origin = _origin(step, redaction) if step.seq == 1 else None
        return cls(
            step.run,
            step.seq,
            step.event,
            type(step.source).__name__,
            type(dest).__name__,
            step.micros,
            payload,
            origin,
            phase_of(dest),
            due_of(dest, step.micros),
            epoch,
            step.key,
            children,
        )


def _origin(step: Step, redaction: Redaction | None) -> str:
    began = {"source": step.source.serialize(), "settings": dict(step.settings or {})}
    if redaction is not None:
        began["source"] = redaction.wire(began["source"])
        began["settings"] = redaction.settings(began["settings"])
    try:
        return json.dumps(began, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotSerializable(f"settings cannot be written: {error}", "settings") from error


def read(records: Iterable[Record], rows: Children | None = None) -> Iterator[Step]:
    """Read a run's records back, oldest first.

    Args:
        rows: A run's children, for steps whose children are rows.

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
            dest = loads(record.payload)
            if record.children is not None and rows is not None:
                dest = filled(record.run, dest, record.payload, rows, record.children)
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
        yield Step(record.run, seq, record.event, source, dest, record.micros, settings, record.key)
        source = dest
