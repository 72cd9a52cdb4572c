"""Day: a service that performs runs, and everything that goes wrong around it."""

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

from .books import Books
from .chances import HOUR, Plan, SimulatedPool, a_death, a_plan, a_policy, a_while, an_end, done

__all__ = ["Day"]

WORKERS = 200


class Died(BaseException):
    """The process is gone, in the middle of whatever it did."""


DAYS: dict[int, Day] = {}  # where a task that travels finds its own; only its number travels


def work(day: int, _given: object) -> Any:
    """What a task does when its time ends."""
    found = DAYS[day]
    return an_end(found.chance, found.clock) if found.faulty else found.clock.steady()


class Day:
    """So many runs that arrive over so many hours, and all that happens to them."""

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
        self.own_clock = journal is None  # else the ambient one: its runs report for themselves
        self.books = Books(self.clock)
        self.books.heard = self._hear
        self.hours, self.lives, self.runs, self.acts = hours, lives, runs, round(acts * runs)
        self.plans: dict[str, Plan] = {}
        self.caches = Caches()
        self.faulty = True
        self.life = 0  # none: the process is dead, or somebody else acts
        self._lives = itertools.count(1)

    def live(self) -> Books:
        """Live through the day, and then on until everything is done."""
        DAYS[self.seed] = self
        watching = self.books.watching(type(self.journal), self._before, self._after)
        with watching, ambient.clock(self.clock):
            self._happen(self.acts, self._act)
            self._happen(round(3 * self.hours), self._jump)
            for life in range(self.lives):
                self._life(self.hours * HOUR / self.lives, self.runs * (life + 1) // self.lives)
            self.faulty = False
            for _ in range(20):
                if not self._unfinished():
                    break
                self._resume_all()
                self._life(24 * HOUR, self.runs)
            self._close()
        del DAYS[self.seed]
        return self.books

    # The lives of the process.

    def _life(self, seconds: float, runs: int) -> None:
        """Perform what there is and what arrives meanwhile, until the process dies."""
        self.life = self.books.life = next(self._lives)
        life, chance = self.life, random.Random(self.chance.random())
        remote = self.faulty and self.life % 2 == 0
        end = self.clock.steady() + seconds
        lasts = a_while if self.faulty else 60.0
        executor = SimulatedExecutor(
            self.clock, lasts, *[a_death] * remote, seed=chance.randrange(2**32)
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
            self.books.counts["deaths"] += 1
        except LifecycleError as error:  # of the first that was stopped; the others went on
            self.books.counts[f"stopped by {type(error).__name__}"] += 1
        self.life = self.books.life = 0
        executor.shutdown(cancel_futures=True)
        self._compare(calls)
        if self.faulty:
            self.clock.advance(seconds=max(end - self.clock.steady(), 0.0))

    def _die(self, life: int) -> None:
        if life == self.life:
            raise Died

    def _calls(self, seconds: float, runs: int) -> list[Call]:
        """What is to be performed: the unfinished runs of the lives before, and new ones."""
        found = self._unfinished()
        while len(self.plans) < runs:
            run = self._arrive(seconds)
            found[run.id] = run
        return [self._call(run, found) for run in found.values()]

    def _unfinished(self) -> dict[str, TaskRun]:
        """The runs that are not done, without the children that their parents see to."""
        rows = {row.run: row.parent for row in self.journal.recover()}
        for row in self.journal.runs(state=Mapped.__name__):  # whose children were paused
            rows.setdefault(row.run, None)
        runs = {id: self._restored(id) for id in rows}
        left = {id: run for id, run in runs.items() if not done(run)}
        return {id: run for id, run in left.items() if rows[id] not in left}

    def _arrive(self, seconds: float) -> TaskRun:
        number, chance = len(self.plans), self.chance
        run = self._made(f"r{number:05}", a_policy(chance))
        self.plans[run.id] = a_plan(chance, number)
        arrives = self.clock().add(seconds=round(chance.uniform(0, seconds), 3))
        with self._reliably():
            run.schedule(start_time=arrives)
        return run

    def _made(self, id: str, policy: Policy) -> TaskRun:
        self.books.policies[id] = policy
        clock = self.clock if self.own_clock else None
        return TaskRun(id, journal=self.journal, clock=clock, policy=policy)

    def _restored(self, id: str) -> TaskRun:
        clock = self.clock if self.own_clock else None
        return TaskRun.restore(id, self.journal, clock=clock)

    def _call(self, run: TaskRun, found: dict[str, TaskRun]) -> Call:
        plan = self.plans.get(run.id, Plan())
        above = [found.get(id) or self._restored(id) for id in plan.after]
        over = None if plan.over is None else Mapping(range(plan.over), plan.quorum)
        task = functools.partial(work, self.seed)
        given = () if over else (None,)
        return Call(run, task, given, after=above, trigger_rule=plan.trigger_rule, over=over)

    # What goes wrong meanwhile.

    def _happen(self, times: int, what: Callable[[], object]) -> None:
        """Have something happen at so many moments of the day."""
        for _ in range(times):
            self.clock.later(self.chance.uniform(0, self.hours * HOUR), what)

    def _before(self, step: Step) -> None:
        if self.faulty and self.life and self.chance.random() < 0.001:
            self.books.counts["refused by the journal"] += 1
            raise JournalError("the disk is full")

    def _after(self, step: Step) -> None:
        if self.faulty and self.life and self.chance.random() < 0.0001:
            raise Died

    @contextlib.contextmanager
    def _reliably(self) -> Iterator[None]:
        """Outside of the process, which may be dead by now."""
        life, self.life = self.life, 0
        books, self.books.life = self.books.life, object()
        try:
            yield
        finally:
            self.life, self.books.life = life, books

    def _jump(self) -> None:
        """Somebody sets the clock."""
        most = self.chance.choice((5.0, 600.0, HOUR, 3 * HOUR))
        self.clock.jump(seconds=round(self.chance.uniform(-most, most), 3))
        self.books.counts["jumps"] += 1

    def _act(self) -> None:
        """Somebody does something to a run, through the journal."""
        if not self.books.lines:
            return
        known = list(self.books.lines)[-2000:]
        run = self._restored(self.chance.choice(known))
        events = [event for event in ACTS if event in run.allowed]
        if not events:
            return
        event = self.chance.choice(events)
        with self._reliably():
            try:
                run.trigger(event)
            except LifecycleError:
                return
        self.books.counts[f"somebody's {event}"] += 1

    def _resume_all(self) -> None:
        for row in list(self.journal.runs(state=Paused.__name__)):
            with self._reliably():
                self._restored(row.run).resume()

    # What is kept, and what must be true of it.

    def _lookup(self, run: TaskRun) -> Cached | None:
        cache = run.policy.cache
        return None if cache.key is None else self.caches.find(cache.key, cache)

    def _hear(self, step: Step) -> None:
        if isinstance(step.dest, Cached) and type(step.source).__name__ == "Success":
            self.caches.add("result", step.dest)

    def _compare(self, calls: list[Call]) -> None:
        """What the process remembers of a run is how its journal begins."""
        for call in calls:
            self.books.compare(call.run)

    def _close(self) -> None:
        """The day is over: everything is done, and kept."""
        wrong = self.books.wrong
        wrong += [str(problem) for problem in verify(self.journal)]
        known = {row.run for row in self.journal.runs()}
        wrong += [f"{id} is lost" for id in {*self.plans, *self.books.lines} - known]
        for id in sorted(known):
            run = self._restored(id)
            self.books.compare(run, whole=True)
            if not done(run):
                wrong.append(f"{id} is stuck in {run.state!r}")


ACTS = ("cancel", "pause", "resume", "resume", "rerun")
