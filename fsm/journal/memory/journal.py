"""MemoryJournal: keeps steps as long as the process lives."""

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from fsm.errors import StaleRun, UnknownRun
from fsm.journal.arguments import LifecycleLike, as_lifecycle, as_steps, check_names
from fsm.journal.base import Journal
from fsm.journal.claims import Claim
from fsm.journal.phase import WAITING
from fsm.journal.queries import RunFilter
from fsm.journal.records import LateResult, Record
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.states import State

from .queries import NO_STEPS, MemoryQueries

__all__ = ["MemoryJournal"]

_CHECKED = -1  # as an epoch: the claim, the key and the outbox have been seen to


class MemoryJournal(MemoryQueries, Journal):
    """Keeps steps as long as the process lives, for any number of runs and threads."""

    __module__ = "fsm"

    blocking = False

    def __init__(self) -> None:
        super().__init__()
        self._late: list[LateResult] = []
        self._refusals: dict[tuple[str, int, str], Refusal] = {}
        self._outbox: dict[tuple[str, int, str], None] = {}
        self._lock = threading.RLock()  # guards claims; a step needs none

    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Keep *step*; see `Journal.append`. The step is not held against the lifecycle.

        Raises:
            StaleRun: Another writer has made this step, the step before it is missing, or another
                worker has claimed the run.
        """
        if (epoch or outbox or step.key) and epoch != _CHECKED:
            self._append_locked(step, lifecycle, epoch, outbox)
            return
        seq, dest = step.seq, step.dest
        known = self._runs.get(step.run, NO_STEPS)
        if len(known) != seq - 1:  # also for the very same step
            there = known.get(seq)
            raise StaleRun(step.run, seq, repr(there) if there else "ahead of what is recorded")
        if lifecycle is None:  # the names in a lifecycle have been checked
            check_names(type(step.source).__name__, step.event, type(dest).__name__)
        if dest._context or dest._cached_inputs:  # dicts, which the caller may change later
            step = step._replace(dest=_copy(dest))
        if known is NO_STEPS:
            if lifecycle is not None:
                table = lifecycle if lifecycle.__class__ is Lifecycle else as_lifecycle(lifecycle)
                self._lifecycles.setdefault(step.run, table)  # type: ignore[arg-type]  # not None
            known = self._runs.setdefault(step.run, {seq: step})  # never visible while empty
        winner = known.setdefault(seq, step)  # atomic: of two writers one wins
        if winner is not step:
            raise StaleRun(step.run, seq, repr(winner))

    def _append_locked(
        self,
        step: Step,
        lifecycle: LifecycleLike | None,
        epoch: int | None,
        outbox: Sequence[str],
    ) -> None:
        """Keep a step with an epoch, a key or an outbox, under the lock."""
        with self._lock:
            lease = self._leases.of(step.run)
            there = self._runs.get(step.run, NO_STEPS).get(step.seq)
            if there is not None:  # the recorded step says more than the claim
                raise StaleRun(step.run, step.seq, repr(there))
            if epoch is not None and epoch != lease.epoch:
                by = f"claimed by {lease.owner!r}" if lease.owner else "released"
                raise StaleRun(step.run, step.seq, f"{by} (claim {lease.epoch}, not {epoch})")
            if step.key is not None and any(
                other.key == step.key for other in self._runs.get(step.run, NO_STEPS).values()
            ):
                made = f"made before, for the request {step.key!r}"
                raise StaleRun(step.run, step.seq, made)
            # The outbox first: an interrupt leaves entries without a step, which no one reads.
            self._outbox.update(dict.fromkeys((step.run, step.seq, name) for name in outbox))
            self.append(step, lifecycle, epoch=_CHECKED)

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Keep all of *steps*, of any number of runs, or none of them; see `Journal.extend`.

        Raises:
            StaleRun: Another writer has made one of these steps, or one does not follow the last.
        """
        added: list[Step] = []
        with self._lock:
            try:
                for step in as_steps(steps):
                    self.append(step, lifecycle)
                    added.append(step)
            except BaseException:
                for step in reversed(added):
                    self._remove(step)
                raise

    def _remove(self, step: Step) -> None:
        known = self._runs[step.run]
        del known[step.seq]
        if not known:
            del self._runs[step.run]
            self._lifecycles.pop(step.run, None)

    def steps(self, run: str) -> Iterator[Step]:
        """Yield the history of a run, oldest step first.

        Raises:
            UnknownRun: There is no such run.
        """
        known = self._runs.get(run) if isinstance(run, str) else None
        if not known:
            raise UnknownRun(run, self)
        return iter([known[seq] for seq in sorted(known)])

    def records(self, run: str) -> Iterator[Record]:
        """Yield the history of a run, written out.

        Raises:
            UnknownRun: There is no such run.
            NotSerializable: A payload cannot be written; names the field.
        """
        return map(Record.of, self.steps(run))

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept."""
        return self._runs.get(step.run, NO_STEPS).get(step.seq) == step

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt; see `Journal.note_refusal`."""
        check_names(refusal.state, refusal.event)
        if refusal.run in self._runs:
            self._refusals[refusal.run, refusal.seq, refusal.event] = refusal._replace(times=1)

    def _refusals_of(self, run: str | None) -> Iterator[Refusal]:
        refusals = [each for each in self._refusals.copy().values() if run in (None, each.run)]
        return iter(sorted(refusals, key=lambda each: (each.micros, each[:3])))

    def add_late_result(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        self._late.append(LateResult.of(step, claim.epoch, claim.owner, reason))

    def _late_results(self, run: str | None) -> Iterator[LateResult]:
        return iter([late for late in self._late if run is None or late.run == run])

    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Yield what is still to be delivered: run, seq of the step, name of the listener."""
        kept = (
            each for each in self._outbox.copy() if each[1] in self._runs.get(each[0], NO_STEPS)
        )
        return iter(sorted(kept))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Remove a listener from the outbox: it has received the step."""
        self._outbox.pop((run, seq, listener), None)

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """Return the edges that runs of this kind may take."""
        known = {each for each in list(self._lifecycles.values()) if each.kind == kind}
        return {edge for lifecycle in known for edge in lifecycle.edge_names()}

    def faults(self) -> Iterator[str]:
        """Yield nothing: there are no rows that could differ from the steps."""
        return iter(())

    def close(self) -> None:
        """Do nothing: nothing is open."""

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
                due = self._summaries(RunFilter(waking_by=now))
                ids = [each.run for each in due if each.phase == WAITING]
            else:
                ids = [run]
            if kinds is not None:
                ids = [id for id in ids if self._kind(id) in kinds]
            free = (id for id in ids if not self._leases.of(id).is_active(now))
            return [(id, self._leases.claim(id, owner, until)) for id in islice(free, limit)]

    def _renew(self, run: str, epoch: int, until: int) -> bool:
        with self._lock:
            return self._leases.renew(run, epoch, until)

    def _release(self, run: str, epoch: int) -> bool:
        with self._lock:
            return self._leases.release(run, epoch)

    def _revoke(self, run: str, owner: str, now: int) -> bool:
        with self._lock:
            return self._leases.revoke(run, owner, now)


def _copy(state: State) -> State:
    """A copy whose context no one else can change, as far as it can be copied."""
    try:
        return state.evolve(context=copy.deepcopy(state.context))
    except Exception:  # a context may hold anything
        return state.evolve()
