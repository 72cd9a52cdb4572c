"""Workers are killed at any moment, or told to stop: each run ends once, and as its policy says."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from fsm import Journal, Policy, Retry, open_journal
from fsm.flow.task import task
from fsm.operations import verify

from .counts import chance, times

WORKERS = 3
PATIENCE = 120.0  # seconds until something counts as stuck

JOBS = """
import time

from fsm import Retry, current_run, task


@task(retry=Retry(max_rescues=1_000))
def steady(seconds):
    time.sleep(seconds)


@task(retry=Retry(2, 0.05, max_rescues=1_000))
def flaky(seconds):
    time.sleep(seconds)
    if current_run().attempt < 3:
        raise ValueError("not yet")


@task(retry=Retry(1, max_rescues=1_000))
def doomed(seconds):
    time.sleep(seconds)
    raise ValueError("never")
"""

POLICIES = {
    "steady": Policy(Retry(max_rescues=1_000)),
    "flaky": Policy(Retry(2, 0.05, max_rescues=1_000)),
    "doomed": Policy(Retry(1, max_rescues=1_000)),
}
ENDS = {"steady": ("Success", 1), "flaky": ("Success", 3), "doomed": ("Failed", 2)}  # and attempts


class Crew:
    """Worker processes on one journal. Use it in a `with`: none outlives its test."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "jobs.py").write_text(JOBS)
        self._folder, self._url = folder, url
        self._workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Crew:
        for _ in range(WORKERS):
            self._hire()
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.kill()
            worker.communicate()

    def strike(self, rng: random.Random) -> signal.Signals:
        """End one of them, by force mostly, and hire another."""
        number = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        worker = self._workers.pop(rng.randrange(WORKERS))
        self._hire()
        worker.send_signal(number)
        self._ended(worker, number)
        return number

    def drain(self) -> None:
        """Tell all to stop."""
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        while self._workers:
            self._ended(self._workers.pop(), signal.SIGTERM)

    def _hire(self) -> None:
        words = ["work", "jobs", "--journal", self._url, "--quiet", "--workers", "4"]
        spans = ["--lease", "1", "--poll", "0.1", "--grace", "0.05"]
        self._workers.append(
            subprocess.Popen(
                [sys.executable, "-m", "fsm", *words, *spans],
                cwd=self._folder,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
        )

    def _ended(self, worker: subprocess.Popen[str], number: signal.Signals) -> None:
        _, said = worker.communicate(timeout=PATIENCE)
        assert "Traceback" not in said, said
        # One that had not begun to listen ends by the signal itself: it had nothing yet.
        assert worker.returncode in (0, -number), said


def submit(journal: Journal, rng: random.Random, number: int) -> None:
    """Leave a run of one of the tasks for them."""
    name = rng.choice(sorted(ENDS))
    HERE[name].with_options(journal=journal, id=f"{name}-{number}").submit(rng.uniform(0, 0.3))


def left(name: str) -> Callable[[float], None]:
    def function(seconds: float) -> None:
        raise AssertionError("it is performed by the workers")

    function.__name__ = function.__qualname__ = name
    function.__module__ = "jobs"
    return function


HERE = {name: task(policy=policy)(left(name)) for name, policy in POLICIES.items()}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_runs_outlive_their_workers(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    url = str(tmp_path / "r.db") if store == "sqlite" else request.getfixturevalue("database")
    rng, kills = chance("workers", store), times("kills of fsm work", shares=2)
    struck, runs, pause = Counter[str](), 0, threading.Event()

    with open_journal(url) as journal, Crew(tmp_path, url) as crew:
        for _ in range(kills):
            for _ in range(rng.randrange(40)):
                submit(journal, rng, runs)
                runs += 1
            pause.wait(rng.uniform(0.2, 1.0))
            struck[crew.strike(rng).name] += 1
        await_ends(journal, pause)
        crew.drain()
        rescues = check(journal, runs)

    print(f"{dict(struck)}, {runs} runs, {rescues} rescued, 0 stuck, 0 twice")


def await_ends(journal: Journal, pause: threading.Event) -> None:
    deadline = time.monotonic() + PATIENCE
    while stuck := list(journal.recover()):
        assert time.monotonic() < deadline, stuck
        pause.wait(0.1)


def check(journal: Journal, runs: int) -> int:
    """Each run has ended once, as its policy says; how often one was rescued."""
    rescues = 0
    assert not list(verify(journal))
    summaries = list(journal.runs())
    assert len(summaries) == runs
    for summary in summaries:
        name = summary.run.partition("-")[0]
        run = HERE[name].kind.restore(summary.run, journal)
        events = Counter(step.event for step in run.history)
        assert (summary.state, run.attempts) == ENDS[name], run.history
        assert events["succeed"] == (name != "doomed")
        assert events["fail"] == ENDS[name][1] - (name != "doomed")
        rescues += events["rescue"]
    return rescues
