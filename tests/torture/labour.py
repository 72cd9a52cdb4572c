"""Labour: runs whose tasks say that they were executed, while their workers are killed."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cloudpickle
import psutil

from fsm import (
    Call,
    Journal,
    Policy,
    Retry,
    Runner,
    TaskRun,
    current_run,
    open_journal,
)
from fsm.flow import Mapping
from fsm.operations import verify
from states import Looped, Success

__all__ = ["FOR_EVER", "Log", "batch", "check", "killing", "labour", "of_a_pool"]

# Workers need not find this folder: what is in here travels whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

FOR_EVER = Policy(Retry(max_rescues=1_000))
_PAUSE = 0.5  # seconds between two kills, at most: a pool takes half of that to come up again


class Log:
    """A file to which tasks in any process say that they are executed."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def note(self) -> None:
        """Say so, in one write."""
        with open(self.path, "ab", 0) as file:  # noqa: PTH123  # unbuffered
            file.write(f"{current_run().id}\n".encode())

    def counts(self) -> Counter[str]:
        """How often each run was executed."""
        return Counter(Path(self.path).read_text().split())


def quick(log: Log) -> str:
    log.note()
    return current_run().id


def slow(log: Log, seconds: float) -> float:
    log.note()
    threading.Event().wait(seconds)
    return seconds


def fails_once(log: Log) -> int:
    log.note()
    if current_run().attempt == 1:
        raise OSError("not yet")
    return current_run().attempt


def goes_round(log: Log) -> Any:
    log.note()
    count = current_run().loop_count
    return count if count == 3 else Looped(result=count)


def child(given: tuple[Log, int]) -> int:
    given[0].note()
    return given[1] ** 2


def deadly(log: Log) -> None:
    log.note()
    os.kill(os.getpid(), signal.SIGKILL)


def batch(journal: Journal | None, log: Log, name: str, rng: random.Random) -> list[Call]:
    """Runs of all kinds, which succeed however often their workers are lost."""

    def run(kind: str, number: int = 0, max_retries: int = 0) -> TaskRun:
        policy = Policy(Retry(max_retries, max_rescues=1_000))
        return TaskRun(f"{name}-{kind}-{number}", journal=journal, policy=policy)

    inputs = [(log, number) for number in range(4)]
    calls = [
        *(Call(run("quick", number), quick, (log,)) for number in range(4)),
        *(Call(run("slow", number), slow, (log, rng.uniform(0, 0.1))) for number in range(4)),
        *(Call(run("retried", n, max_retries=1), fails_once, (log,)) for n in range(2)),
        Call(run("looped"), goes_round, (log,)),
        Call(run("mapped"), child, over=Mapping(inputs)),
    ]
    rng.shuffle(calls)
    return calls


def labour(runner: Runner, calls: list[Call]) -> None:
    """Perform *calls*; all have to come to a success."""
    ends = runner.perform_all(calls)

    assert all(isinstance(end, Success) for end in ends), ends


def check(url: str, log: Log) -> None:
    """No run is stuck, none is recorded twice, and nobody keeps a claim."""
    executed = log.counts()
    with open_journal(url) as journal:
        problems = [str(problem) for problem in verify(journal)]
        assert not problems, problems
        for summary in list(journal.runs()):
            events = [record.event for record in journal.records(summary.run)]
            assert summary.over, (summary, events)
            starts = events.count("start")
            # Every attempt was claimed before it was executed: never twice.
            assert (starts > 0) <= executed[summary.run] <= starts, (summary, events, executed)
            assert events.count("succeed") <= 1, events
            claims = journal.claim(run=summary.run, owner="who looks", lease=1)
            assert claims, f"somebody still has the claim: {summary}"
            claims[0].release()


@contextmanager
def killing(
    victims: Callable[[], list[int]], rng: random.Random, kills: int, over: threading.Event
) -> Iterator[list[int]]:
    """Kill so many of the *victims*, at random times, as long as it is not over."""
    killed: list[int] = []

    def kill() -> None:
        while len(killed) < kills and not over.wait(rng.uniform(0, _PAUSE)):
            for victim in rng.sample(there := sorted(filter(None, victims())), min(1, len(there))):
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        over.set()
        killer.join()


def of_a_pool() -> list[int]:
    """The processes of the pools of this process: its other children help them only."""
    found = []
    for process in psutil.Process().children():
        with suppress(psutil.Error):
            if any("spawn_main" in word for word in process.cmdline()):
                found.append(process.pid)
    return found
