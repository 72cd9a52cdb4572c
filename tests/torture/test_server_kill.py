"""The PostgreSQL server is killed at any moment: what it has committed is there afterwards."""

from __future__ import annotations

import random
import threading

from fsm import JournalError, Step, TaskRun
from fsm.errors import JournalUncertain, UnknownRun
from fsm.journal.postgres.journal import SQLJournal

from ..postgres import Server
from .checking import Acknowledged, acknowledged, check
from .counts import chance, times
from .driving import walk

CLIENTS = 4
ROUNDS = 20  # that one database sees
PATIENCE = 60.0  # seconds until something counts as stuck


class Clients:
    """Threads that drive runs through one journal, whatever happens to its server."""

    def __init__(self, journal: SQLJournal, steps: set[Acknowledged]) -> None:
        self.journal, self.steps = journal, steps
        self.news = threading.Condition()
        self.ended = threading.Event()
        self.errors: list[BaseException] = []
        self.uncertain = self.refused = 0

    def drive(self, name: str, rng: random.Random) -> None:
        """Drive runs until the end; every answer of the journal is held against what it keeps."""
        try:
            number = 0
            while not self.ended.is_set():
                number += 1
                run = TaskRun(f"{name}-{number}", journal=self.journal, max_retries=2)
                try:
                    walk(run, rng, self.acknowledge)
                except JournalUncertain:
                    self.uncertain += 1
                    walk(self.restored(run, (0, 1)), rng, self.acknowledge)
                except JournalError:
                    self.refused += 1
                    walk(self.restored(run, (0,)), rng, self.acknowledge)
        except BaseException as error:
            self.errors.append(error)

    def restored(self, run: TaskRun, more: tuple[int, ...]) -> TaskRun:
        """The run as the journal has it, once that can say; with so many steps more."""
        for _ in range(int(PATIENCE / 0.02)):
            try:
                there = TaskRun.restore(run.id, self.journal)
            except UnknownRun:
                there = TaskRun(run.id, journal=self.journal, max_retries=2)
            except JournalError:  # not yet
                threading.Event().wait(0.02)
                continue
            assert len(there.history) - len(run.history) in more
            return there
        raise TimeoutError("the server does not come back")

    def acknowledge(self, step: Step) -> None:
        with self.news:
            self.steps.add(acknowledged(step))
            self.news.notify_all()

    def await_steps(self, count: int) -> None:
        """Wait until so many more steps were kept."""
        with self.news:
            wanted = len(self.steps) + count
            done = self.news.wait_for(lambda: self.errors or len(self.steps) >= wanted, PATIENCE)
            assert done, "no step is kept any more"


def test_a_killed_server_loses_nothing_acknowledged(postgres: Server) -> None:
    rng, kills = chance("server"), times("kills of a server")
    kept = uncertain = refused = 0

    for first in range(0, kills, ROUNDS):
        url, steps = postgres.fresh(), set[Acknowledged]()
        with SQLJournal(url, patience=10.0) as journal:
            for number in range(first, min(first + ROUNDS, kills)):
                journal._patience = rng.choice((0.05, 10.0))  # gives up before it is back, or not
                clients = crash(postgres, journal, steps, f"{number}", rng)
                uncertain, refused = uncertain + clients.uncertain, refused + clients.refused
                check(journal, steps)
        kept += len(steps)
        postgres.drop(url)

    print(f"{kills} kills, {kept} steps acknowledged, 0 lost")
    print(f"{uncertain} uncertain and settled, {refused} refused")
    assert uncertain + refused, "the clients never notice: the kills come too late"


def crash(
    postgres: Server, journal: SQLJournal, steps: set[Acknowledged], name: str, rng: random.Random
) -> Clients:
    """Let clients append, kill the server among them, and let them go on with the next."""
    clients = Clients(journal, steps)
    threads = [
        threading.Thread(
            target=clients.drive, args=(f"{name}.{each}", random.Random(f"{name} {each}"))
        )
        for each in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        clients.await_steps(rng.randrange(1, 40))
        threading.Event().wait(rng.uniform(0, 0.005))
        postgres.kill()
        postgres.start()
        clients.await_steps(10)  # the same journal goes on
    finally:
        clients.ended.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert not clients.errors, clients.errors
    return clients
