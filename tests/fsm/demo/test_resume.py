"""A demo that was killed or interrupted continues where it stopped; in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fsm.demo.pipeline import is_done
from states import Paused, Pending

from .conftest import Performed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")

PROGRAM = """
import os, signal, sys
from fsm.cli import main
from fsm.demo.progress import ProgressListener

def print_and_stop(listener, text, print=ProgressListener.print):
    print(listener, text)
    if sys.argv[2] and sys.argv[2] in text:
        if int(sys.argv[3]) == signal.SIGINT:
            os.killpg(0, signal.SIGINT)  # as a terminal does
        else:
            os.kill(os.getpid(), int(sys.argv[3]))

ProgressListener.print = print_and_stop
main(["demo", "--directory", sys.argv[1], "--executor", sys.argv[4]], "fsm")
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


# Fewer on processes: each takes a moment to start, four times over.
FEWER = (
    " airports     TimedOut",
    " clean[5]     Retrying",
    " tally[3]     Success",
    " publish      Paused",
)


def demo(
    directory: Path, moment: str = "", number: int = 0, *, executor: str = "thread"
) -> subprocess.CompletedProcess[str]:
    """Perform a demo in a process that, when *moment* is said, gets the signal *number*."""
    command = [sys.executable, "-c", PROGRAM, str(directory), moment, str(int(number)), executor]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, start_new_session=True
    )
    # Of a process that was killed, a child that was just being started may say that it is orphaned.
    assert number == signal.SIGKILL or "Traceback" not in done.stderr, done.stderr
    return done


def finished(directory: Path) -> dict[str, int]:
    """The runs that have finished, with their number of steps."""
    runs = Performed(0, "", directory).runs()
    return {id: len(run.history) for id, run in runs.items() if is_done(run.state)}


@pytest.mark.parametrize(
    ("executor", "moments"),
    [("thread", MOMENTS), ("process", FEWER), ("dask", FEWER[1:2])],
    ids=["thread", "process", "dask"],
)
def test_killed_at_any_moment_it_continues(
    executor: str, moments: tuple[str, ...], first: Performed, tmp_path: Path
) -> None:
    if executor == "dask":
        pytest.importorskip("distributed")
    before: dict[str, int] = {}
    for moment in moments:
        killed = demo(tmp_path, moment, signal.SIGKILL, executor=executor)
        after = finished(tmp_path)
        assert killed.returncode == -signal.SIGKILL, killed.stdout
        assert {id: after.get(id) for id in before} == before
        before = after

    done = demo(tmp_path, executor=executor)

    after = finished(tmp_path)
    found = re.search("^demo-1 continues: ([0-9]+) of its 40 runs have finished", done.stdout)
    assert found is not None
    assert int(found[1]) >= len(before)
    assert "Verdict: 40 runs finished, 0 lost," in done.stdout
    assert {id: after.get(id) for id in before} == before
    assert len(after) == 40
    report = (tmp_path / "demo-1" / "report.csv").read_text()
    assert report == (first.directory / "demo-1" / "report.csv").read_text()


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_an_interrupted_demo_exits_130_in_named_states(
    executor: str, records: Path, tmp_path: Path
) -> None:
    done = demo(tmp_path, " clean[0] ", signal.SIGINT, executor=executor)

    states = {id: run.state for id, run in Performed(0, "", tmp_path).runs().items()}
    assert done.returncode == 130
    assert "Interrupted. Running runs are paused" in done.stdout
    assert isinstance(states["demo-1"], Paused)
    del states["demo-1/clean"]  # a mapping is Mapped, whatever its children do
    assert all(is_done(state) or isinstance(state, Pending) for state in states.values())


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_an_interrupted_demo_continues(executor: str, records: Path, tmp_path: Path) -> None:
    demo(tmp_path, " planes       Success", signal.SIGINT, executor=executor)
    before = finished(tmp_path)

    done = demo(tmp_path, executor=executor)

    after = finished(tmp_path)
    assert done.returncode == 0
    assert f"demo-1 continues: {len(before)} of its 40 runs have finished" in done.stdout
    assert {id: after[id] for id in before} == before
