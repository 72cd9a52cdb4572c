"""Worker: a program for tests to run, to stop and to kill; it speaks in lines of JSON.

worker.py nursery           make children that drive runs, each to be killed
worker.py racer URL         claim runs until there are none left
worker.py holder URL        claim a run, start it, wait for a word, then report success
worker.py opener URL        open the journal, when told so
worker.py filler PATH       append until the disk is full, then once more with room
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

from checking import acknowledged  # beside this file, wherever that is
from driving import drive
from tampered import opened

from fsm import Journal, JournalError, StaleRun, Step, TaskRun, open_journal


def say(*said: Any) -> None:
    """One line, in one write: whoever reads it gets all of it or nothing."""
    os.write(1, (json.dumps(said) + "\n").encode())


def hear() -> Any:
    """The next line; None if there are no more."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def nursery() -> None:
    child = 0
    while (order := hear()) is not None:
        if order != "kill":
            child = os.fork()
            if not child:
                _live(**order)
        else:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            say("gone", -os.waitstatus_to_exitcode(status))


def _live(path: str, seed: str, threads: int, without: str | None) -> None:
    """Drive runs until the end, which comes from outside."""
    try:
        journal = opened(path, without)
        say("born")
        rngs = [random.Random(f"{seed} {number}") for number in range(threads)]
        for number, rng in enumerate(rngs[1:], 1):
            threading.Thread(
                target=_drive, args=(journal, f"{seed}.{number}", rng), daemon=True
            ).start()
        _drive(journal, f"{seed}.0", rngs[0])
    except BaseException as error:
        say("error", repr(error))
    while True:
        signal.pause()


def _drive(journal: Journal, name: str, rng: random.Random) -> None:
    try:
        drive(journal, name, rng, _acknowledge)
    except BaseException as error:
        say("error", repr(error))


def _acknowledge(step: Step) -> None:
    say("kept", *acknowledged(step))


def racer(url: str, without: str | None = None) -> None:
    journal = _journal(url, without)
    say("ready")
    hear()
    rng = random.Random(os.getpid())
    try:
        while claims := journal.claim(rng.randint(1, 5), owner=f"{os.getpid()}", lease=3600):
            for claim in claims:
                say("claimed", claim.run, claim.epoch)
    except JournalError as error:
        say("error", str(error))
    say("done")


def holder(url: str, without: str | None = None) -> None:
    journal = _journal(url, without)
    (claim,) = journal.claim(run="r", owner="first", lease=60)
    run = TaskRun.restore("r", claim)
    run.start()
    say("running")
    hear()
    try:
        run.succeed(result="late")
        say("succeeded")
    except StaleRun as stale:
        say("refused", stale.winner, stale.kept)


def opener(url: str, without: str | None = None) -> None:
    say("ready")
    hear()
    try:
        with _journal(url, without) as journal:
            TaskRun(f"{os.getpid()}", journal=journal).start()
        say("opened")
    except JournalError as error:
        say("error", str(error))


def filler(path: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, not the end
    run = TaskRun("r", journal=_journal(path))
    run.start()
    _acknowledge(run.history[-1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        while True:
            _go_round(run)
    except JournalError as error:
        say("full", type(error).__name__, str(error), len(run.history))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    run = TaskRun.restore("r", run.journal)
    say("stands", len(run.history))
    _go_round(run)


def _go_round(run: TaskRun) -> None:
    """Make the next step of a loop, a large one."""
    event = {"Running": "loop", "Looped": "iterate", "Pending": "start"}[type(run.state).__name__]
    run.trigger(event, **({"message": "x" * 5000} if event == "loop" else {}))
    _acknowledge(run.history[-1])


def _journal(url: str, without: str | None = None) -> Journal:
    return open_journal(url) if without is None else opened(url, without)


if __name__ == "__main__":
    {each.__name__: each for each in (nursery, racer, holder, opener, filler)}[sys.argv[1]](
        *sys.argv[2:]
    )
