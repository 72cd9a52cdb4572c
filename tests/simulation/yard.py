"""Yard: workers that claim runs from a journal, and stall, die and come back too late."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from fsm import Claim, Journal, StaleRun, TaskRun
from fsm.execution.apply import Decisions
from fsm.execution.commands import Execute, Raised, Reply, Returned
from fsm.execution.decider import drive
from fsm.journal import Renewal
from fsm.operations import rescue, verify
from fsm.states import ambient
from fsm.testing import HandClock
from states import Paused

from .books import Books
from .chances import HOUR, a_policy, an_end, done

__all__ = ["Yard"]

LEASE, WORKERS = 60.0, 6


class Yard:
    """So many runs that lie in a journal, for whichever worker claims them."""

    def __init__(self, seed: int, runs: int, journal: Journal, *, hours: float = 24.0) -> None:
        self.chance, self.clock, self.journal = random.Random(seed), HandClock(), journal
        self.books = Books(self.clock)
        self.runs, self.hours = runs, hours
        self.faulty = True
        self._number = itertools.count()

    def live(self) -> Books:
        """Live through the day, and then on until everything is done."""
        with self.books.watching(type(self.journal)), ambient.clock(self.clock):
            for number in range(self.runs):
                self._arrive(f"j{number:04}")
            for worker in range(WORKERS):
                self._every(120.0, lambda worker=worker: self._shift(f"worker-{worker}"))
            self._every(300.0, self._rescue)
            self._every(self.hours * HOUR / (1 + self.runs // 10), self._act)
            self._every(HOUR, self._jump)
            self.clock.advance(hours=self.hours)
            self.faulty = False
            for _ in range(48):
                if self._is_done():
                    break
                self.clock.advance(hours=1)
            self._close()
        return self.books

    def _every(self, seconds: float, what: Callable[[], object]) -> None:
        """Have something happen over and over, at moments nobody can guess."""

        def again() -> None:
            what()
            self._every(seconds, what)

        self.clock.later(self.chance.uniform(0.5, 1.5) * seconds, again)

    def _arrive(self, id: str) -> None:
        self.books.policies[id] = policy = a_policy(self.chance)
        arrives = self.clock().add(seconds=round(self.chance.uniform(0, self.hours * HOUR), 3))
        TaskRun(id, journal=self.journal, policy=policy).schedule(start_time=arrives)

    # Workers.

    def _shift(self, worker: str) -> None:
        """Claim what is due, and begin with it."""
        for claim in self.journal.claim(3, owner=f"{worker}#{next(self._number)}", lease=LEASE):
            self.books.counts["claims"] += 1
            run = TaskRun.restore(claim.run, claim)
            self._go_on(run, drive(run), claim, None)

    def _go_on(self, run: TaskRun, decider: Decisions, claim: Claim, reply: Reply) -> None:
        """Go on with a claimed run until it takes time."""
        self.books.life = claim.owner  # whose steady clock counts
        try:
            command = decider.send(reply)
        except StopIteration:
            claim.release()
        except StaleRun:
            self.books.counts["too late"] += 1
        else:
            if isinstance(command, Execute):
                self._execute(run, decider, claim)
            else:  # its time will come; whoever is free then takes it
                claim.release()
        finally:
            self.books.life = 0

    def _execute(self, run: TaskRun, decider: Decisions, claim: Claim) -> None:
        """Work, with a beat now and then; or stall without one; or die."""
        fate = self.chance.random() if self.faulty else 1.0
        if fate < 0.05:
            self.books.counts["died"] += 1
            return
        stalls = fate < 0.15
        lasts = self.chance.expovariate(1 / 60) + stalls * self.chance.uniform(1, 20) * LEASE
        renewal = Renewal([claim], lease=LEASE, steady=self.clock.steady)
        ends = self.clock.steady() + lasts

        def beat() -> None:
            if self.clock.steady() < ends and not renewal.lost:
                renewal.beat()
                self.clock.later(LEASE / 3, beat)

        self.books.counts["stalled"] += stalls
        if not stalls:
            self.clock.later(LEASE / 3, beat)
        self.clock.later(lasts, lambda: self._go_on(run, decider, claim, self._reply(run)))

    def _reply(self, run: TaskRun) -> Reply:
        try:
            with ambient.using(**run._surroundings()):
                return Returned(an_end(self.chance, self.clock) if self.faulty else 1)
        except BaseException as error:
            return Raised(error)

    # What happens around them.

    def _rescue(self) -> None:
        for found in rescue(self.journal):
            self.books.counts["rescued" if found.skipped is None else "left"] += 1

    def _act(self) -> None:
        """Somebody cancels or resumes a run, through the journal and without a claim."""
        for row in list(self.journal.runs(state=Paused.__name__)):
            TaskRun.restore(row.run, self.journal).resume()
        run = TaskRun.restore(self.chance.choice(list(self.books.lines)), self.journal)
        if self.faulty and "cancel" in run.allowed:
            run.cancel()

    def _jump(self) -> None:
        if self.faulty:
            most = self.chance.choice((5.0, 600.0, HOUR))
            self.clock.jump(seconds=round(self.chance.uniform(-most, most), 3))

    def _is_done(self) -> bool:
        return all(done(TaskRun.restore(id, self.journal)) for id in self.books.lines)

    def _close(self) -> None:
        wrong = self.books.wrong
        wrong += [str(problem) for problem in verify(self.journal)]
        for id in self.books.lines:
            run = TaskRun.restore(id, self.journal)
            self.books.compare(run, whole=True)
            if not done(run):
                wrong.append(f"{id} is stuck in {run.state!r}")
