"""A demo that is killed or interrupted goes on where it was, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fsm.demo.flow import is_done
from states import Paused, Pending

from .conftest import Performed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")

PROGRAM = """
import os, sys
from fsm.cli import main
from fsm.demo.watch import Watch

def say_and_stop(watch, text, say=Watch.say):
    say(watch, text)
    if sys.argv[2] and sys.argv[2] in text:
        os.kill(os.getpid(), int(sys.argv[3]))

Watch.say = say_and_stop
main(["demo", "--directory", sys.argv[1]], "fsm")
"""
MOMENTS = (
    " load         Failed",
    " planes       Looped     Task is looping (2)",
    " airports     TimedOut",
    " clean[5]     Success",
    " clean        Mapped",
    " tally[3]     Success",
    " publish      Paused",
    "the approver",
    " tidy         Success",
)


def demo(directory: Path, moment: str = "", number: int = 0) -> subprocess.CompletedProcess[str]:
    """Perform a demo in a process that, when *moment* is said, gets the signal *number*."""
    command = [sys.executable, "-c", PROGRAM, str(directory), moment, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def finished(directory: Path) -> dict[str, int]:
    """The runs that have finished, with their number of steps."""
    runs = Performed(0, "", directory).runs()
    return {id: len(run.history) for id, run in runs.items() if is_done(run.state)}


def test_killed_at_any_moment_it_goes_on(first: Performed, tmp_path: Path) -> None:
    before: dict[str, int] = {}
    for moment in MOMENTS:
        killed = demo(tmp_path, moment, signal.SIGKILL)
        after = finished(tmp_path)
        assert killed.returncode == -signal.SIGKILL, killed.stdout
        assert {id: after.get(id) for id in before} == before
        before = after

    done = demo(tmp_path)

    after = finished(tmp_path)
    assert "demo-1 goes on: 39 of its 40 runs have finished and are not repeated" in done.stdout
    assert {id: after.get(id) for id in before} == before
    assert len(after) == 40
    report = (tmp_path / "demo-1" / "report.csv").read_text()
    assert report == (first.directory / "demo-1" / "report.csv").read_text()


def test_an_interrupted_demo_exits_130_in_named_states(records: Path, tmp_path: Path) -> None:
    done = demo(tmp_path, " clean[0] ", signal.SIGINT)

    states = {id: run.state for id, run in Performed(0, "", tmp_path).runs().items()}
    assert done.returncode == 130
    assert "Interrupted. What was running is paused" in done.stdout
    assert isinstance(states["demo-1"], Paused)
    del states["demo-1/clean"]  # a mapping is Mapped, whatever its children do
    assert all(is_done(state) or isinstance(state, Pending) for state in states.values())


def test_an_interrupted_demo_goes_on(records: Path, tmp_path: Path) -> None:
    demo(tmp_path, " planes       Success", signal.SIGINT)
    before = finished(tmp_path)

    done = demo(tmp_path)

    after = finished(tmp_path)
    assert done.returncode == 0
    assert f"demo-1 goes on: {len(before)} of its 40 runs have finished" in done.stdout
    assert {id: after[id] for id in before} == before
