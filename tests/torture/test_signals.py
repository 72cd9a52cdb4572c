"""Signals at any instruction of a step: the lock is free afterwards, journal and memory agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .counts import SEED, times

STORM = Path(__file__).with_name("storm.py")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no setitimer")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("listens", [False, True], ids=["alone", "with listeners"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_signal_leaves_no_lock_held_and_journal_and_memory_agreed(
    kind: str, listens: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    signals = times("signals", shares=4)
    command = [sys.executable, str(STORM), kind, str(signals), str(SEED), *["--listen"] * listens]

    done = subprocess.run(command, capture_output=True, text=True)

    print(done.stdout)
    assert (done.returncode, done.stdout.partition(": ")[2]) == (
        0,
        "0 held locks, 0 disagreements, 0 hangs\n",
    ), done.stderr[-2000:]
