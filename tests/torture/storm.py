"""A storm of signals over the calls of a run, in a process of its own; prints what it found.

Usage: python storm.py memory|sqlite SIGNALS SEED [--listen]
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from fsm import Step, TaskRun, open_journal
from fsm.errors import JournalError, LifecycleError


class Struck(BaseException):
    """What the handler raises."""


def strike(*_: Any) -> None:
    raise Struck


class Listened(TaskRun):
    """A task run with listeners before and after a step."""


@Listened.before
def look(run: TaskRun, step: Step) -> None:
    """A listener that only looks."""
    assert run.state is step.source


@Listened.on_exit
@Listened.after
def count(run: TaskRun, step: Step) -> None:
    """A listener that posts now and then."""
    if step.event == "start" and step.seq % 3 == 1:
        run.post("pause")


def calls(run: TaskRun, number: int) -> None:
    """The calls over which the storm goes."""
    run.start()
    if number % 4 == 0:
        run.once("request", "fail", message="no")
        run.rerun()
    elif number % 4 == 1:
        run.fail()
        run.retry(run_count=1)
    elif number % 4 == 2:
        run.post("succeed")
    else:
        run.catch_up()
        run.succeed(result=number)


def main() -> None:
    kind, wanted, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cls = Listened if "--listen" in sys.argv else TaskRun
    chance = random.Random(seed)
    signal.signal(signal.SIGALRM, strike)
    place = "memory:" if kind == "memory" else str(Path(tempfile.mkdtemp()) / "runs.db")
    journal = open_journal(place)
    longest = 2e-4 if kind == "memory" else 4e-3
    struck = held = apart = hung = number = 0
    while struck < wanted:
        number += 1
        run = cls(f"r{number}", journal=journal, max_retries=5)
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, longest))
                calls(run, number)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except LifecycleError:  # refused, as what was struck before left the run elsewhere
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Struck:
            struck += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        held += run._lock.locked()
        if run._lock.locked():
            continue
        state, history = run.state, run.history
        try:
            kept = list(journal.steps(run.id))
        except JournalError:
            kept = []
        if [each.seq for each in kept] != [each.seq for each in history]:
            apart += 1
        apart += bool(kept) and type(kept[-1].dest) is not type(state)
        done = threading.Event()
        asker = threading.Thread(target=lambda run=run, done=done: (run.why_not("map"), done.set()))
        if struck % 50 == 0:
            asker.start()
            hung += not done.wait(10)
    print(f"{struck} signals: {held} held locks, {apart} disagreements, {hung} hangs")
    sys.exit(bool(held or apart or hung))


if __name__ == "__main__":
    main()
