"""Whoever drives the runs is interrupted or killed: no run is lost, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cloudpickle
import psutil
import pytest

from fsm import Call, Runner, TaskRun, open_journal
from states import Success

from .counts import chance, times
from .driver import RUNS, work
from .labour import Log, check

# Workers need not find this folder: the task travels whole.
cloudpickle.register_pickle_by_value(sys.modules[work.__module__])

DRIVER = Path(__file__).with_name("driver.py")
PATIENCE = 60.0  # seconds until a driver counts as stuck
LONG = 3600.0  # seconds that a task lasts which nobody waits for


@contextmanager
def driver(kind: str, url: str, log: Log, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A driver in a group of its own, all of which is gone afterwards."""
    with subprocess.Popen(
        [sys.executable, DRIVER, kind, url, log.path, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_work(log: Log, number: int) -> None:
    """Wait until so many tasks have begun."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not Path(log.path).exists() or sum(log.counts().values()) < number:
        assert time.monotonic() < deadline, "nothing begins"
        pause.wait(0.01)


def await_all_gone(family: list[psutil.Process]) -> None:
    """Wait until none of the processes lives."""
    left = psutil.wait_procs(family, timeout=PATIENCE)[1]
    try:
        assert not left, left
    finally:
        for process in left:
            process.kill()


@pytest.mark.parametrize("kind", ["thread", "process", "dask"])
def test_an_interrupt_leaves_every_run_in_a_named_state(tmp_path: Path, kind: str) -> None:
    url, log = str(tmp_path / "r.db"), Log(tmp_path / "log")

    with driver(kind, url, log, LONG) as process:
        wait_for_work(log, 2)
        family = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, errors = process.communicate(timeout=PATIENCE)
        print(f"{kind}: {time.monotonic() - began:.1f} s to leave")
        await_all_gone(family)

    assert json.loads(said) == ["Cancelled"] * 2 + ["Pending"] * (RUNS - 2), errors
    assert process.returncode == 0
    with open_journal(url) as journal:
        assert [summary.state for summary in journal.runs()] == ["Cancelled"] * 2
    check(url, log)


@pytest.mark.parametrize("number", range(times("kills of drivers")))
@pytest.mark.parametrize("kind", ["process", "dask"])
def test_a_driver_that_is_killed_is_taken_over(tmp_path: Path, kind: str, number: int) -> None:
    url, log, rng = str(tmp_path / "r.db"), Log(tmp_path / "log"), chance(kind, number)

    with driver(kind, url, log, 0.2) as process:
        wait_for_work(log, rng.randrange(1, 5))
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        await_all_gone(family)
    with open_journal(url) as journal:
        known = {summary.run: summary.state for summary in journal.runs()}
        before = log.counts()
        runs = [
            TaskRun.restore(id, journal) if id in known else TaskRun(id, journal=journal)
            for id in (f"r{number}" for number in range(RUNS))
        ]
        with Runner("process", workers=2) as runner:
            ends = runner.perform_all([Call(run, work, (log.path, 0.0)) for run in runs])

    assert all(isinstance(end, Success) for end in ends), ends
    assert sum(state == "Success" for state in known.values()) >= (kind == "process")
    for run, state in known.items():
        assert state != "Success" or log.counts()[run] == before[run] == 1, run
    check(url, log)
