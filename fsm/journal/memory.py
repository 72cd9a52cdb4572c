"""MemoryJournal: keeps steps as long as the process lives."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from fsm.errors import StaleRun, UnknownRun
from fsm.identity import parent_of
from fsm.refusal import Refusal
from fsm.step import Step
from states import State

from .arguments import LAST, as_steps
from .claim import Claim
from .contract import Journal
from .kind import kind_of
from .late import Late
from .lease import Leases
from .phase import RUNNING, WAITING, due_of, phase_of
from .record import Record
from .summary import Summary
from .traffic import Passage, Traffic
from .wanted import Wanted
from .writing import edges_of, late_row, policy_of

if TYPE_CHECKING:
    from fsm.run import Run

__all__ = ["MemoryJournal"]

_NOTHING: dict[int, Step] = {}  # never written to


class MemoryJournal(Journal):
    """Keeps steps as long as the process lives, for any number of runs and threads."""

    blocking = False

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, Step]] = {}
        self._classes: dict[str, type[Run]] = {}
        self._claims = Leases()
        self._late: list[Late] = []
        self._refusals: dict[tuple[str, int, str], Refusal] = {}
        self._outbox: dict[tuple[str, int, str], None] = {}
        self._lock = threading.RLock()  # of the claims; steps need none

    def append(
        self,
        step: Step,
        of: type[Run] | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Keep *step*; `setdefault` is atomic, so of two writers of one place one wins.

        Raises:
            StaleRun: Another writer has taken this place, or the step before it is not here.
        """
        if epoch or outbox or step.key:
            self._append_carefully(step, of, epoch, outbox)
            return
        seq, dest = step.seq, step.dest
        known = self._runs.get(step.run, _NOTHING)
        if len(known) != seq - 1:  # the very same step again is no news either
            there = known.get(seq)
            raise StaleRun(step.run, seq, repr(there) if there else "ahead of what is recorded")
        if dest._context or dest._cached_inputs:  # dicts, which their owner may change
            step = step._replace(dest=_apart(dest))
        if known is _NOTHING:
            known = self._runs.setdefault(step.run, {seq: step})  # nobody ever sees it empty
            if of is not None:
                self._classes.setdefault(step.run, of)
        winner = known.setdefault(seq, step)
        if winner is not step:
            raise StaleRun(step.run, seq, repr(winner))

    def _append_carefully(
        self, step: Step, of: type[Run] | None, epoch: int | None, outbox: Sequence[str]
    ) -> None:
        """The same under the lock, for a step that not only its place speaks for or against."""
        with self._lock:
            lease = self._claims.of(step.run)
            there = self._runs.get(step.run, _NOTHING).get(step.seq)
            if there is not None:  # what was recorded says more than who has the claim
                raise StaleRun(step.run, step.seq, repr(there))
            if epoch is not None and epoch != lease.epoch:
                by = f"claimed by {lease.owner!r}" if lease.owner else "released"
                raise StaleRun(step.run, step.seq, f"{by} (claim {lease.epoch}, not {epoch})")
            if step.key is not None and any(
                kept.key == step.key for kept in self._runs.get(step.run, _NOTHING).values()
            ):
                made = f"made before, for the request {step.key!r}"
                raise StaleRun(step.run, step.seq, made)
            self.append(step._replace(key=None), of)
            kept = self._runs[step.run]
            kept[step.seq] = kept[step.seq]._replace(key=step.key)
            self._outbox.update(dict.fromkeys((step.run, step.seq, name) for name in outbox))

    def extend(self, steps: Iterable[Step], of: type[Run] | None = None) -> None:
        """Keep all of *steps*, of any number of runs, or none of them; see `Journal.extend`."""
        kept: list[Step] = []
        with self._lock:
            try:
                for step in as_steps(steps):
                    self.append(step, of)
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
            self._classes.pop(step.run, None)

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
        return self._runs.get(step.run, _NOTHING).get(step.seq) == step

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt was refused."""
        self._refusals[refusal.run, refusal.seq, refusal.event] = refusal._replace(times=1)

    def _refusals_of(self, run: str | None) -> Iterator[Refusal]:
        kept = [each for each in self._refusals.copy().values() if run in (None, each.run)]
        return iter(sorted(kept, key=lambda each: (each.micros, each[:3])))

    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        self._late.append(late_row(step, claim, reason, None))

    def _came_late(self, run: str | None) -> Iterator[Late]:
        return iter([late for late in self._late if run is None or late.run == run])

    def untold(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step."""
        return iter(sorted(self._outbox))

    def told(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener has been told."""
        self._outbox.pop((run, seq, listener), None)

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """The edges that runs of this class may take."""
        of = next((of for of in self._classes.values() if kind_of(of) == kind), None)
        return set() if of is None else edges_of(of)

    def faults(self) -> Iterator[str]:
        """Nothing: there are no rows that could differ from the steps."""
        return iter(())

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def __repr__(self) -> str:
        return f"<MemoryJournal of {len(self._runs)} runs>"

    # Runs.

    def _summaries(self, wanted: Wanted) -> Iterator[Summary]:
        if wanted.run is not None:
            return self._admitted([wanted.run], wanted)
        if wanted.parent is not None:  # there may be very many: they are sorted by their names
            return self._admitted(self._children_of(wanted.parent), wanted)
        return iter(sorted(self._admitted(list(self._runs), wanted), key=wanted.order))

    def _admitted(self, ids: Iterable[str], wanted: Wanted) -> Iterator[Summary]:
        for kept in filter(None, map(self._runs.get, ids)):
            steps = [kept[seq] for seq in sorted(kept)]
            summary = self._summary(steps)
            if wanted.admits(summary, _retries_left(steps)):
                yield summary

    def _traffic(self, kind: str | None) -> Traffic:
        ids = (
            id for id in list(self._runs) if kind is None or kind_of(self._classes.get(id)) == kind
        )
        return Traffic.of(each for id in ids for each in self._passages(id))

    def _passages(self, id: str) -> Iterator[Passage]:
        kept = self._runs.get(id, _NOTHING)
        steps = [kept[seq] for seq in sorted(kept)]
        for step, after in zip_longest(steps, steps[1:]):
            source, dest = type(step.source).__name__, type(step.dest).__name__
            yield Passage(id, source, step.event, dest, step.micros, after and after.micros)

    def _children_of(self, run: str) -> list[str]:
        found = ((parent_of(id), id) for id in list(self._runs) if id.startswith(f"{run}["))
        places = [(place[1], id) for place, id in found if place is not None and place[0] == run]
        return [id for _, id in sorted(places)]

    def _summary(self, steps: list[Step]) -> Summary:
        first, last = steps[0], steps[-1]
        lease = self._claims.of(last.run)
        parent, child = parent_of(last.run) or (None, None)
        return Summary(
            run=last.run,
            state=type(last.dest).__name__,
            message=_said(last.dest.message),
            steps=len(steps),
            began=first.micros,
            moved=last.micros,
            kind=kind_of(self._classes.get(last.run)),
            phase=phase_of(last.dest),
            due=due_of(last.dest, last.micros),
            deadline=_deadline(steps),
            epoch=lease.epoch,
            owner=lease.owner,
            lease=lease.until,
            parent=parent,
            child=child,
        )

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
                ids = [id for id in ids if kind_of(self._classes.get(id)) in kinds]
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


def _deadline(steps: list[Step]) -> int | None:
    """When the time of a running run is up: its timeout after it began to run."""
    timeout = policy_of(steps[0]).get("timeout")
    if phase_of(steps[-1].dest) != RUNNING or not isinstance(timeout, int | float):
        return None
    entered = (step for step in reversed(steps) if phase_of(step.source) != RUNNING)
    begun = next(entered, None)
    return None if begun is None else min(begun.micros + round(timeout * 1e6), LAST)


def _retries_left(steps: list[Step]) -> bool:
    retries = policy_of(steps[0]).get("max_retries")
    return type(retries) is int and retries > sum(step.event == "retry" for step in steps)


def _apart(state: State) -> State:
    """A copy whose context nobody else holds, as far as it can be copied."""
    try:
        return state.evolve(context=copy.deepcopy(state.context))
    except Exception:  # a context may hold anything
        return state.evolve()


def _said(message: Any) -> str | None:
    try:
        return None if message is None else str(message)
    except Exception as error:  # a message is anyone's object
        return f"<{type(error).__name__} while asking what it says>"
