"""A simulated cluster: workers that claim runs from a journal, stall, die and report too late."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from fsm import Journal, StaleRun, TaskRun
from fsm.execution.apply import Decisions
from fsm.execution.commands import Execute, Raised, Reply, Returned
from fsm.execution.decider import drive
from fsm.journal import Claim, Heartbeat
from fsm.operations import rescue, verify
from fsm.run.access import payload_context
from fsm.states import ambient
from fsm.testing import HandClock
from states import Paused

from .chances import HOUR, end_randomly, is_done, random_policy
from .ledger import Ledger

__all__ = ["Cluster"]

LEASE, WORKERS = 60.0, 6


class Cluster:
    """A number of runs in a journal, and the workers that claim them."""

    def __init__(self, seed: int, runs: int, journal: Journal, *, hours: float = 24.0) -> None:
        self.chance, self.clock, self.journal = random.Random(seed), HandClock(), journal
        self.ledger = Ledger(self.clock)
        self.runs, self.hours = runs, hours
        self.faulty = True
        self._number = itertools.count()

    def live(self) -> Ledger:
        """Simulate the day, then go on without faults until every run is done."""
        with self.ledger.watching(type(self.journal)), ambient.clock(self.clock):
            for number in range(self.runs):
                self._arrive(f"j{number:04}")
            for worker in range(WORKERS):
                self._repeat(120.0, lambda worker=worker: self._claim(f"worker-{worker}"))
            self._repeat(300.0, self._rescue)
            self._repeat(self.hours * HOUR / (1 + self.runs // 10), self._act)
            self._repeat(HOUR, self._jump)
            self.clock.advance(hours=self.hours)
            self.faulty = False
            for _ in range(48):
                if self._all_done():
                    break
                self.clock.advance(hours=1)
            self._check_end()
        return self.ledger

    def _repeat(self, seconds: float, call: Callable[[], object]) -> None:
        """Call *call* again and again, at random intervals of *seconds* on average."""

        def again() -> None:
            call()
            self._repeat(seconds, call)

        self.clock.later(self.chance.uniform(0.5, 1.5) * seconds, again)

    def _arrive(self, id: str) -> None:
        self.ledger.policies[id] = policy = random_policy(self.chance)
        arrives = self.clock().add(seconds=round(self.chance.uniform(0, self.hours * HOUR), 3))
        TaskRun(id, journal=self.journal, policy=policy).schedule(start_time=arrives)

    # Workers.

    def _claim(self, worker: str) -> None:
        """Claim due runs and start them."""
        for claim in self.journal.claim(3, owner=f"{worker}#{next(self._number)}", lease=LEASE):
            self.ledger.counts["claims"] += 1
            run = TaskRun.restore(claim.run, claim)
            self._go_on(run, drive(run), claim, None)

    def _go_on(self, run: TaskRun, decider: Decisions, claim: Claim, reply: Reply) -> None:
        """Continue a claimed run up to its next call that takes time."""
        self.ledger.life = claim.owner  # whose steady clock its steps are checked against
        try:
            command = decider.send(reply)
        except StopIteration:
            claim.release()
        except StaleRun:
            self.ledger.counts["too late"] += 1
        else:
            if isinstance(command, Execute):
                self._execute(run, decider, claim)
            else:  # it has to wait; a worker claims it when it is due
                claim.release()
        finally:
            self.ledger.life = 0

    def _execute(self, run: TaskRun, decider: Decisions, claim: Claim) -> None:
        """Work with heartbeats, stall without them, or die."""
        chance = self.chance.random() if self.faulty else 1.0
        if chance < 0.05:
            self.ledger.counts["died"] += 1
            return
        stalls = chance < 0.15
        lasts = self.chance.expovariate(1 / 60) + stalls * self.chance.uniform(1, 20) * LEASE
        heartbeat = Heartbeat([claim], lease=LEASE, steady=self.clock.steady)
        ends = self.clock.steady() + lasts

        def beat() -> None:
            if self.clock.steady() < ends and not heartbeat.lost:
                heartbeat.beat()
                self.clock.later(LEASE / 3, beat)

        self.ledger.counts["stalled"] += stalls
        if not stalls:
            self.clock.later(LEASE / 3, beat)
        self.clock.later(lasts, lambda: self._go_on(run, decider, claim, self._reply(run)))

    def _reply(self, run: TaskRun) -> Reply:
        try:
            with ambient.using(**payload_context(run)):
                return Returned(end_randomly(self.chance, self.clock) if self.faulty else 1)
        except BaseException as error:
            return Raised(error)

    # What happens around them.

    def _rescue(self) -> None:
        for found in rescue(self.journal):
            self.ledger.counts["rescued" if found.skipped is None else "skipped"] += 1

    def _act(self) -> None:
        """An operator cancels or resumes a run, through the journal and without a claim."""
        for row in list(self.journal.runs(state=Paused.__name__)):
            TaskRun.restore(row.run, self.journal).resume()
        run = TaskRun.restore(self.chance.choice(list(self.ledger.entries)), self.journal)
        if self.faulty and "cancel" in run.allowed:
            run.cancel()

    def _jump(self) -> None:
        if self.faulty:
            most = self.chance.choice((5.0, 600.0, HOUR))
            self.clock.jump(seconds=round(self.chance.uniform(-most, most), 3))

    def _all_done(self) -> bool:
        return all(is_done(TaskRun.restore(id, self.journal)) for id in self.ledger.entries)

    def _check_end(self) -> None:
        wrong = self.ledger.wrong
        wrong += [str(problem) for problem in verify(self.journal)]
        for id in self.ledger.entries:
            run = TaskRun.restore(id, self.journal)
            self.ledger.compare(run, whole=True)
            if not is_done(run):
                wrong.append(f"{id} is stuck in {run.state!r}")
