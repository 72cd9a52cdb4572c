"""Records: steps, late results and summaries of runs, as journals write them out."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import attrs
import pendulum

from fsm.errors import CorruptJournal
from fsm.lifecycle.step import Step
from fsm.states import Mapped, NotSerializable, State, StateError, codec, dumps, loads, moment

from .mapped import ChildRows, fill_children, omit_children
from .phase import FAILED, FINISHED, due_of, phase_of
from .redaction import Redaction

__all__ = ["LateResult", "Record", "Summary", "read_steps"]


class Record(NamedTuple):
    """A step, written out as text and whole numbers."""

    run: str
    seq: int
    event: str
    source: str
    dest: str
    micros: int  # when, in microseconds since 1970-01-01 UTC
    payload: str  # the state that was entered, as JSON
    origin: str | None  # of a first step: the state before it and the settings, as JSON
    phase: str  # of dest: waiting, running, failed, finished or other
    due: int | None = None  # when the run may start, or expires; its deadline is in `Summary`
    epoch: int | None = None  # of the claim that the step was made under
    key: str | None = None  # idempotency key: of the request that the step answers
    children: int | None = None  # how many of the payload's children are rows instead

    @classmethod
    def of(
        cls,
        step: Step,
        epoch: int | None = None,
        redaction: Redaction | None = None,
        rows: ChildRows | None = None,
    ) -> "Record":
        """Write *step* out.

        Args:
            rows: Reads a run's children, where they are rows of the same journal.

        Raises:
            NotSerializable: The payload cannot be written; names the field.
        """
        write = dumps if redaction is None else redaction.dumps
        dest, short = step.dest, None
        if rows is not None and isinstance(dest, Mapped) and dest.map_states:
            short = omit_children(step.run, dest, rows, write)
        payload, children = (write(dest), None) if short is None else short
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


class LateResult(NamedTuple):
    """A step that came too late, after another writer had moved or claimed the run.

    It is not a part of the history.
    """

    run: str
    seq: int
    event: str
    source: str
    dest: str
    micros: int  # when the step was made, in microseconds since 1970-01-01 UTC
    payload: str  # the state it would have led to, as JSON
    epoch: int | None  # of the claim that the step was made under
    owner: str | None  # of that claim
    reason: str  # what was recorded instead

    @classmethod
    def of(
        cls,
        step: Step,
        epoch: int,
        owner: str,
        reason: str,
        redaction: Redaction | None = None,
    ) -> "LateResult":
        """Write *step* out, which came under the claim of *owner* with this epoch.

        Raises:
            NotSerializable: The payload cannot be written; names the field.
        """
        record = Record.of(step, epoch, redaction)
        return cls(
            record.run,
            record.seq,
            record.event,
            record.source,
            record.dest,
            record.micros,
            record.payload,
            epoch,
            owner,
            reason,
        )

    @property
    def at(self) -> pendulum.DateTime:
        """When the step was made, in UTC."""
        return moment.from_micros(self.micros)

    @property
    def state(self) -> State:
        """The state it would have led to.

        Raises:
            NotDeserializable: The class of the state is not known in this process.
        """
        return loads(self.payload)


Record.__module__ = LateResult.__module__ = "fsm.journal"


@attrs.frozen
class Summary:
    """What a journal knows of a run without reading its history.

    Times are microseconds since 1970-01-01 UTC.
    """

    __module__ = "fsm.journal"

    run: str
    state: str  # name of the state the run is in
    message: str | None
    steps: int
    began: int  # time of the first step
    moved: int  # time of the last step
    kind: str = ""  # the class of the run, as module:Class; empty if the writer did not say
    phase: str = ""  # waiting, running, failed, finished or other
    due: int | None = None  # when the run may start, or expires
    deadline: int | None = None  # when the running attempt times out
    epoch: int = 0  # fencing token: how often the run was claimed or released
    owner: str | None = None  # of the claim
    lease: int | None = None  # when the claim lapses
    parent: str | None = None  # the mapped run that this one is a child of
    child: int | None = None  # its place among the children, from 0

    @property
    def began_at(self) -> pendulum.DateTime:
        """Time of the first step, in UTC."""
        return moment.from_micros(self.began)

    @property
    def moved_at(self) -> pendulum.DateTime:
        """Time of the last step, in UTC."""
        return moment.from_micros(self.moved)

    @property
    def over(self) -> bool:
        """Whether the run has finished or failed."""
        return self.phase in (FINISHED, FAILED)

    @property
    def wakes(self) -> int | None:
        """When time next moves the run: its deadline, or when it is due; None if time does not."""
        return self.due if self.deadline is None else self.deadline


def read_steps(records: Iterable[Record], rows: ChildRows | None = None) -> Iterator[Step]:
    """Read the records of a run back, oldest first.

    Args:
        rows: Reads a run's children, for steps whose children are rows.

    Raises:
        CorruptJournal: A record says what no state or step can be.
    """
    source = None
    for seq, record in enumerate(records, 1):
        try:
            settings: Any = None
            if seq == 1:
                origin = json.loads(record.origin or "null")
                source = codec.read(origin["source"])
                settings = dict(origin["settings"])
            dest = loads(record.payload)
            if record.children is not None and rows is not None:
                dest = fill_children(record.run, dest, record.payload, rows, record.children)
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


def _origin(step: Step, redaction: Redaction | None) -> str:
    origin = {"source": step.source.serialize(), "settings": dict(step.settings or {})}
    if redaction is not None:
        origin["source"] = redaction.wire(origin["source"])
        origin["settings"] = redaction.settings(origin["settings"])
    try:
        return json.dumps(origin, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotSerializable(f"settings cannot be written: {error}", "settings") from error
