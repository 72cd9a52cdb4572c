"""A simulated day of a service that performs runs, with faults of all kinds."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

from fsm import (
    Call,
    Journal,
    JournalError,
    LifecycleError,
    MemoryJournal,
    Policy,
    Runner,
    Step,
    TaskRun,
)
from fsm.execution import Caches
from fsm.flow import Mapping
from fsm.operations import verify
from fsm.states import ambient
from fsm.testing import HandClock, SimulatedExecutor
from states import Cached, Mapped, Paused

from .chances import (
    HOUR,
    Plan,
    SimulatedPool,
    end_randomly,
    is_done,
    random_death,
    random_duration,
    random_plan,
    random_policy,
)
from .ledger import Ledger

__all__ = ["Day"]

WORKERS = 200


class Died(BaseException):
    """The process died."""


DAYS: dict[int, Day] = {}  # by seed: a pickled task carries only the seed


def work(day: int, _given: object) -> Any:
    """The task: called when its time has passed."""
    found = DAYS[day]
    return end_randomly(found.chance, found.clock) if found.faulty else found.clock.steady()


class Day:
    """A number of runs that arrive over some hours, and what happens to them."""

    def __init__(
        self,
        seed: int,
        runs: int,
        *,
        journal: Journal | None = None,
        hours: float = 24.0,
        lives: int = 10,
        acts: float = 0.1,
    ) -> None:
        self.seed, self.chance, self.clock = seed, random.Random(seed), HandClock()
        self.journal = MemoryJournal() if journal is None else journal
        self.own_clock = journal is None  # otherwise the ambient one
        self.ledger = Ledger(self.clock)
        self.ledger.heard = self._hear
        self.hours, self.lives, self.runs, self.acts = hours, lives, runs, round(acts * runs)
        self.plans: dict[str, Plan] = {}
        self.caches = Caches()
        self.faulty = True
        self.life = 0  # 0: the process is dead, or another process acts
        self._lives = itertools.count(1)

    def live(self) -> Ledger:
        """Simulate the day, then go on without faults until every run is done."""
        DAYS[self.seed] = self
        watching = self.ledger.watching(type(self.journal), self._before, self._after)
        with watching, ambient.clock(self.clock):
            self._schedule(self.acts, self._act)
            self._schedule(round(3 * self.hours), self._jump)
            for life in range(self.lives):
                self._life(self.hours * HOUR / self.lives, self.runs * (life + 1) // self.lives)
            self.faulty = False
            for _ in range(20):
                if not self._unfinished():
                    break
                self._resume_all()
                self._life(24 * HOUR, self.runs)
            self._check_end()
        del DAYS[self.seed]
        return self.ledger

    # The lives of the process.

    def _life(self, seconds: float, runs: int) -> None:
        """Perform the runs there are and those that arrive, until the process dies."""
        self.life = self.ledger.life = next(self._lives)
        life, chance = self.life, random.Random(self.chance.random())
        remote = self.faulty and self.life % 2 == 0
        end = self.clock.steady() + seconds
        lasts = random_duration if self.faulty else 60.0
        executor = SimulatedExecutor(
            self.clock, lasts, *[random_death] * remote, seed=chance.randrange(2**32)
        )
        calls = self._calls(seconds, runs)
        if self.faulty:
            self.clock.later(seconds * chance.uniform(0.7, 1), functools.partial(self._die, life))
        runner = Runner(
            executor,
            workers=WORKERS,
            clock=self.clock,
            lookup=self._lookup,
        )
        if remote:
            runner._pool = SimulatedPool(executor, own=False)
        try:
            with runner:
                runner.perform_all(calls)
        except Died:
            self.ledger.counts["deaths"] += 1
        except LifecycleError as error:  # of the first job that failed; the others continued
            self.ledger.counts[f"stopped by {type(error).__name__}"] += 1
        self.life = self.ledger.life = 0
        executor.shutdown(cancel_futures=True)
        self._compare(calls)
        if self.faulty:
            self.clock.advance(seconds=max(end - self.clock.steady(), 0.0))

    def _die(self, life: int) -> None:
        if life == self.life:
            raise Died

    def _calls(self, seconds: float, runs: int) -> list[Call]:
        """The calls to perform: unfinished runs of earlier processes, and new ones."""
        found = self._unfinished()
        while len(self.plans) < runs:
            run = self._arrive(seconds)
            found[run.id] = run
        return [self._call(run, found) for run in found.values()]

    def _unfinished(self) -> dict[str, TaskRun]:
        """The runs that are not done, without children whose parents perform them."""
        rows = {row.run: row.parent for row in self.journal.recover()}
        for row in self.journal.runs(state=Mapped.__name__):  # their children were paused
            rows.setdefault(row.run, None)
        runs = {id: self._restore(id) for id in rows}
        left = {id: run for id, run in runs.items() if not is_done(run)}
        return {id: run for id, run in left.items() if rows[id] not in left}

    def _arrive(self, seconds: float) -> TaskRun:
        number, chance = len(self.plans), self.chance
        run = self._new_run(f"r{number:05}", random_policy(chance))
        self.plans[run.id] = random_plan(chance, number)
        arrives = self.clock().add(seconds=round(chance.uniform(0, seconds), 3))
        with self._reliably():
            run.schedule(start_time=arrives)
        return run

    def _new_run(self, id: str, policy: Policy) -> TaskRun:
        self.ledger.policies[id] = policy
        clock = self.clock if self.own_clock else None
        return TaskRun(id, journal=self.journal, clock=clock, policy=policy)

    def _restore(self, id: str) -> TaskRun:
        clock = self.clock if self.own_clock else None
        return TaskRun.restore(id, self.journal, clock=clock)

    def _call(self, run: TaskRun, found: dict[str, TaskRun]) -> Call:
        plan = self.plans.get(run.id, Plan())
        above = [found.get(id) or self._restore(id) for id in plan.after]
        over = None if plan.over is None else Mapping(range(plan.over), plan.quorum)
        task = functools.partial(work, self.seed)
        given = () if over else (None,)
        return Call(run, task, given, after=above, trigger_rule=plan.trigger_rule, over=over)

    # What goes wrong meanwhile.

    def _schedule(self, times: int, call: Callable[[], object]) -> None:
        """Call *call* at a number of random moments of the day."""
        for _ in range(times):
            self.clock.later(self.chance.uniform(0, self.hours * HOUR), call)

    def _before(self, step: Step) -> None:
        if self.faulty and self.life and self.chance.random() < 0.001:
            self.ledger.counts["refused by the journal"] += 1
            raise JournalError("the disk is full")

    def _after(self, step: Step) -> None:
        if self.faulty and self.life and self.chance.random() < 0.0001:
            raise Died

    @contextlib.contextmanager
    def _reliably(self) -> Iterator[None]:
        """Act as another process: without faults, and not on the clock of the service."""
        life, self.life = self.life, 0
        ledger, self.ledger.life = self.ledger.life, object()
        try:
            yield
        finally:
            self.life, self.ledger.life = life, ledger

    def _jump(self) -> None:
        """Set the wall clock."""
        most = self.chance.choice((5.0, 600.0, HOUR, 3 * HOUR))
        self.clock.jump(seconds=round(self.chance.uniform(-most, most), 3))
        self.ledger.counts["jumps"] += 1

    def _act(self) -> None:
        """An operator moves a run, through the journal."""
        if not self.ledger.entries:
            return
        known = list(self.ledger.entries)[-2000:]
        run = self._restore(self.chance.choice(known))
        events = [event for event in ACTS if event in run.allowed]
        if not events:
            return
        event = self.chance.choice(events)
        with self._reliably():
            try:
                run.trigger(event)
            except LifecycleError:
                return
        self.ledger.counts[f"operator's {event}"] += 1

    def _resume_all(self) -> None:
        for row in list(self.journal.runs(state=Paused.__name__)):
            with self._reliably():
                self._restore(row.run).resume()

    # What is kept, and what must be true of it.

    def _lookup(self, run: TaskRun) -> Cached | None:
        cache = run.policy.cache
        return None if cache.key is None else self.caches.find(cache.key, cache)

    def _hear(self, step: Step) -> None:
        if isinstance(step.dest, Cached) and type(step.source).__name__ == "Success":
            self.caches.add("result", step.dest)

    def _compare(self, calls: list[Call]) -> None:
        """Check that what the process remembers of a run is a beginning of its journal."""
        for call in calls:
            self.ledger.compare(call.run)

    def _check_end(self) -> None:
        """Check that every run is done and nothing is lost."""
        wrong = self.ledger.wrong
        wrong += [str(problem) for problem in verify(self.journal)]
        known = {row.run for row in self.journal.runs()}
        wrong += [f"{id} is lost" for id in {*self.plans, *self.ledger.entries} - known]
        for id in sorted(known):
            run = self._restore(id)
            self.ledger.compare(run, whole=True)
            if not is_done(run):
                wrong.append(f"{id} is stuck in {run.state!r}")


ACTS = ("cancel", "pause", "resume", "resume", "rerun")
