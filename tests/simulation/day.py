"""Day: a service that performs runs, and everything that goes wrong around it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import attrs

from fsm import (
    Call,
    Journal,
    JournalError,
    LifecycleError,
    MemoryJournal,
    Outcome,
    Over,
    Policy,
    Quorum,
    Runner,
    Step,
    TaskRun,
    triggers,
    verify,
)
from fsm.caching import Caches
from fsm.pool import RemotePool
from fsm.testing import HandClock, SimulatedExecutor
from fsm.wish import Displaced, Lost, Raised
from states import (
    Cached,
    Failed,
    Looped,
    Mapped,
    Paused,
    Retrying,
    Skipped,
    State,
    ValidationFailed,
    ambient,
)

from .books import Books

__all__ = ["Day", "Died", "a_policy", "an_end"]

HOUR = 3600.0
WORKERS = 200


class Died(BaseException):
    """The process is gone, in the middle of whatever it did."""


class PoolBroke(Exception):
    """The work of another broke the pool."""


class SimulatedPool(RemotePool):
    """A pool whose workers die, and whose work travels as to any other process."""

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        return Displaced() if isinstance(error, PoolBroke) else Lost(str(error))


DAYS: dict[int, Day] = {}  # where a task that travels finds its own; only its number travels


def work(day: int, _given: object) -> Any:
    """What a task does when its time ends."""
    found = DAYS[day]
    return an_end(found.chance, found.clock) if found.faulty else found.clock.steady()


def an_end(chance: random.Random, clock: HandClock) -> Any:
    """How a task ends, by chance."""
    soon = clock().add(seconds=round(chance.expovariate(1 / 600), 3))
    ends: dict[Any, float] = {
        clock.steady: 65,
        ValueError("x"): 12,
        OSError("x"): 6,
        TimeoutError("its own"): 1,
        KeyboardInterrupt(): 0.5,
        SystemExit(1): 0.5,
        Outcome(Skipped("nothing to do")): 1,
        Outcome(Failed("says so itself")): 1,
        Outcome(ValidationFailed("says so itself")): 1,
        Outcome(Paused("until later", start_time=soon)): 2,
        Outcome(Paused("until somebody comes")): 1,
        Outcome(Retrying("wants another go", start_time=soon)): 3,
        Outcome(Looped(result=1)): 5,
    }
    (end,) = chance.choices(list(ends), ends.values())
    if isinstance(end, BaseException):
        raise end
    return end()


def a_policy(chance: random.Random) -> Policy:
    """One of many policies."""
    one = chance.choice
    return Policy(
        max_retries=one((0, 1, 2, 3, 5)),
        retry_delay=one((0, 1, 30, 600)),
        retry_backoff=one((1, 2, 10)),
        retry_cap=one((None, 1800)),
        retry_jitter=one((0, 0.3, 1)),
        retry_within=one((None, None, None, 2 * HOUR)),
        retry_on=one(((), (), (OSError, "TimeoutError"))),
        max_rescues=one((0, 1, 3)),
        timeout=one((None, None, 120, 1200)),
        timeout_total=one((None, None, None, 3 * HOUR)),
        cache_for=one((None, None, None, HOUR)),
        cache_key="result",
    )


def a_while(chance: random.Random) -> float:
    """How long a task takes: mostly a minute, now and then hours, and some hang."""
    kind = chance.random()
    if kind < 0.003:
        return float("inf")
    return chance.expovariate(1 / (HOUR if kind < 0.013 else 60.0))


def a_death(chance: random.Random) -> BaseException | None:
    """What a worker dies of, if it does."""
    kind = chance.random()
    return OSError("killed") if kind < 0.02 else PoolBroke() if kind < 0.03 else None


@attrs.frozen
class Plan:
    """How a run is called, in every life of the process."""

    after: tuple[str, ...] = ()
    trigger: Any = triggers.all_successful
    over: int | None = None
    quorum: Quorum | None = None


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
        found = {id: self._restored(id) for id in self._unfinished()}
        while len(self.plans) < runs:
            run = self._arrive(seconds)
            found[run.id] = run
        return [self._call(run, found) for run in found.values()]

    def _unfinished(self) -> list[str]:
        """The runs that are not done, without the children that their parents see to."""
        rows = {row.run: row.parent for row in self.journal.recover()}
        for row in self.journal.runs(state=Mapped.__name__):  # whose children were paused
            if not done(self._restored(row.run)):
                rows.setdefault(row.run, None)
        return [
            id
            for id, parent in rows.items()
            if parent not in rows or done(self._restored(parent))  # as which it sees to nobody
        ]

    def _arrive(self, seconds: float) -> TaskRun:
        number, chance = len(self.plans), self.chance
        run = self._made(f"r{number:05}", a_policy(chance))
        self.plans[run.id] = self._plan(number)
        arrives = self.clock().add(seconds=round(chance.uniform(0, seconds), 3))
        with self._reliably():
            run.schedule(start_time=arrives)
        return run

    def _plan(self, number: int) -> Plan:
        chance = self.chance
        kind = chance.random()
        if kind < 0.02:
            quorum = chance.choice((None, Quorum.all(), Quorum.percent(50)))
            return Plan(over=chance.randrange(6), quorum=quorum)
        if kind > 0.1 or number < 10:
            return Plan()
        above = tuple(f"r{chance.randrange(number - 10, number):05}" for _ in range(2))
        trigger = chance.choice((
            triggers.all_successful, triggers.all_finished, triggers.any_successful,
            triggers.some_failed(at_least=1), triggers.manual_only,
        ))  # fmt: skip
        return Plan(tuple(dict.fromkeys(above)), trigger)

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
        over = None if plan.over is None else Over(range(plan.over), plan.quorum)
        task = functools.partial(work, self.seed)
        given = () if over else (None,)
        return Call(run, task, given, after=above, trigger=plan.trigger, over=over)

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


def done(run: TaskRun) -> bool:
    """Whether nothing is left to be done about a run."""
    state: State = run.state
    if isinstance(state, Mapped):
        return all(child is not None and child.is_finished() for child in state.map_states)
    if not state.is_finished() or state.is_looped():
        return False
    if not state.is_failed() or "retry" not in run.allowed:
        return True
    if type(state).__name__ == "TriggerFailed" and not run.history[-1].source.is_running():
        return True
    return run.why_not("retry") is not None
