"""MemoryJournal: keeps steps as long as the process lives."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from fsm.errors import StaleRun, UnknownRun
from fsm.journal.arguments import LifecycleLike, as_lifecycle, as_steps
from fsm.journal.base import Journal
from fsm.journal.claims import Claim
from fsm.journal.late import Late
from fsm.journal.phase import WAITING
from fsm.journal.records import Record
from fsm.journal.relational.inserts import late_row
from fsm.journal.wanted import Wanted
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.states import State

from .queries import NOTHING, MemoryDirectory

__all__ = ["MemoryJournal"]


class MemoryJournal(MemoryDirectory, Journal):
    """Keeps steps as long as the process lives, for any number of runs and threads."""

    blocking = False

    def __init__(self) -> None:
        super().__init__()
        self._late: list[Late] = []
        self._refusals: dict[tuple[str, int, str], Refusal] = {}
        self._outbox: dict[tuple[str, int, str], None] = {}
        self._lock = threading.RLock()  # of the claims; steps need none

    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Keep *step*; `setdefault` is atomic, so of two writers of one place one wins.

        Raises:
            StaleRun: Another writer has taken this place, or the step before it is not here.
        """
        if epoch or outbox or step.key:
            self._append_carefully(step, lifecycle, epoch, outbox)
            return
        seq, dest = step.seq, step.dest
        known = self._runs.get(step.run, NOTHING)
        if len(known) != seq - 1:  # the very same step again is no news either
            there = known.get(seq)
            raise StaleRun(step.run, seq, repr(there) if there else "ahead of what is recorded")
        if dest._context or dest._cached_inputs:  # dicts, which their owner may change
            step = step._replace(dest=_apart(dest))
        if known is NOTHING:
            table = lifecycle if type(lifecycle) is Lifecycle else as_lifecycle(lifecycle)
            known = self._runs.setdefault(step.run, {seq: step})  # never visible while empty
            if table is not None:
                self._lifecycles.setdefault(step.run, table)
        winner = known.setdefault(seq, step)
        if winner is not step:
            raise StaleRun(step.run, seq, repr(winner))

    def _append_carefully(
        self,
        step: Step,
        lifecycle: LifecycleLike | None,
        epoch: int | None,
        outbox: Sequence[str],
    ) -> None:
        """The same under the lock, for a step that not only its place speaks for or against."""
        with self._lock:
            lease = self._claims.of(step.run)
            there = self._runs.get(step.run, NOTHING).get(step.seq)
            if there is not None:  # what was recorded says more than who has the claim
                raise StaleRun(step.run, step.seq, repr(there))
            if epoch is not None and epoch != lease.epoch:
                by = f"claimed by {lease.owner!r}" if lease.owner else "released"
                raise StaleRun(step.run, step.seq, f"{by} (claim {lease.epoch}, not {epoch})")
            if step.key is not None and any(
                kept.key == step.key for kept in self._runs.get(step.run, NOTHING).values()
            ):
                made = f"made before, for the request {step.key!r}"
                raise StaleRun(step.run, step.seq, made)
            self.append(step._replace(key=None), lifecycle)
            kept = self._runs[step.run]
            kept[step.seq] = kept[step.seq]._replace(key=step.key)
            self._outbox.update(dict.fromkeys((step.run, step.seq, name) for name in outbox))

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Keep all of *steps*, of any number of runs, or none of them; see `Journal.extend`."""
        kept: list[Step] = []
        with self._lock:
            try:
                for step in as_steps(steps):
                    self.append(step, lifecycle)
                    kept.append(step)
            except BaseException:
                for step in reversed(kept):
                    self._forget(step)
                raise

    def _forget(self, step: Step) -> None:
        known = self._runs[step.run]
        del known[step.seq]
        if not known:
            del self._runs[step.run]
            self._lifecycles.pop(step.run, None)

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first.

        Raises:
            UnknownRun: There is none.
        """
        kept = self._runs.get(run) if isinstance(run, str) else None
        if not kept:
            raise UnknownRun(run, self)
        return iter([kept[seq] for seq in sorted(kept)])

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; needs none of the classes it names.

        Raises:
            UnknownRun: There is none.
            NotSerializable: A payload cannot be written out.
        """
        return map(Record.of, self.steps(run))

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept."""
        return self._runs.get(step.run, NOTHING).get(step.seq) == step

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt was refused."""
        if refusal.run in self._runs:
            self._refusals[refusal.run, refusal.seq, refusal.event] = refusal._replace(times=1)

    def _refusals_of(self, run: str | None) -> Iterator[Refusal]:
        kept = [each for each in self._refusals.copy().values() if run in (None, each.run)]
        return iter(sorted(kept, key=lambda each: (each.micros, each[:3])))

    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        self._late.append(late_row(step, claim, reason, None))

    def _came_late(self, run: str | None) -> Iterator[Late]:
        return iter([late for late in self._late if run is None or late.run == run])

    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step."""
        return iter(sorted(self._outbox))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener has been told."""
        self._outbox.pop((run, seq, listener), None)

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """The edges that runs of this class may take."""
        known = {each for each in list(self._lifecycles.values()) if each.kind == kind}
        return {edge for lifecycle in known for edge in lifecycle.edge_names()}

    def faults(self) -> Iterator[str]:
        """Nothing: there are no rows that could differ from the steps."""
        return iter(())

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def __repr__(self) -> str:
        return f"<MemoryJournal of {len(self._runs)} runs>"

    # Claims.

    def _claim(
        self,
        limit: int,
        owner: str,
        now: int,
        until: int,
        run: str | None,
        kinds: tuple[str, ...] | None,
    ) -> list[tuple[str, int]]:
        with self._lock:
            if run is None:
                due = self._summaries(Wanted(waking_by=now))
                ids = [each.run for each in due if each.phase == WAITING]
            else:
                ids = [run]
            if kinds is not None:
                ids = [id for id in ids if self._kind(id) in kinds]
            free = (id for id in ids if not self._claims.of(id).holds(now))
            return [(id, self._claims.take(id, owner, until)) for id in islice(free, limit)]

    def _renew(self, run: str, epoch: int, until: int) -> bool:
        with self._lock:
            return self._claims.renew(run, epoch, until)

    def _free(self, run: str, epoch: int) -> bool:
        with self._lock:
            return self._claims.free(run, epoch)

    def _revoke(self, run: str, owner: str, now: int) -> bool:
        with self._lock:
            return self._claims.revoke(run, owner, now)


def _apart(state: State) -> State:
    """A copy whose context nobody else holds, as far as it can be copied."""
    try:
        return state.evolve(context=copy.deepcopy(state.context))
    except Exception:  # a context may hold anything
        return state.evolve()
