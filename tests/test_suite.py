"""The suite itself never hangs: each test has a time limit and hears the signals it relies on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import RELIED_ON

HERE = Path(__file__).parent

REPORT = """
import signal, sys
ignored = [n.name for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
blocked = [signal.Signals(n).name for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())]
print(*sorted(ignored), *sorted(blocked))
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are inherited on POSIX only")


def run_pytest(folder: Path, code: str, *arguments: str, wrapper: str = "") -> tuple[int, str]:
    """Run the tests in *code* under our conftest, in a process of their own."""
    tests = folder / "tests"
    tests.mkdir()
    (tests / "__init__.py").touch()
    for name in ("conftest.py", "postgres.py"):
        shutil.copy(HERE / name, tests / name)
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 300\n")
    (tests / "test_code.py").write_text(code)
    program = f"import pytest; raise SystemExit(pytest.main({['-q', '-rN', *arguments]}))"
    done = subprocess.run(
        [sys.executable, "-c", wrapper + program], cwd=folder, timeout=120, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("number", RELIED_ON, ids=lambda number: number.name)
def test_a_program_that_a_test_starts_hears_what_the_caller_ignores(
    number: signal.Signals, tmp_path: Path
) -> None:
    code = f"""
import signal, subprocess, sys

def test_child():
    said = subprocess.check_output([sys.executable, "-c", {REPORT!r}], text=True).split()
    assert {number.name!r} not in said, said
"""
    wrapper = f"""
import signal
signal.signal({int(number)}, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}])
"""

    status, output = run_pytest(tmp_path, code, wrapper=wrapper)

    assert status == 0, output


def test_pytest_outlives_its_terminal_under_nohup(tmp_path: Path) -> None:
    code = "import os, signal\ndef test_hang_up(): os.kill(os.getpid(), signal.SIGHUP)\n"
    wrapper = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"

    status, output = run_pytest(tmp_path, code, wrapper=wrapper)

    assert status == 0, output


def test_a_test_that_waits_for_ever_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    code = """
import threading, pytest

@pytest.mark.timeout(1)
def test_hang(): threading.Event().wait()

def test_next(): pass
"""

    status, output = run_pytest(tmp_path, code)

    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in output
    assert "Timeout (>1.0s)" in output


def test_a_test_that_catches_its_time_limit_ends_with_its_process(tmp_path: Path) -> None:
    code = """
import contextlib, threading, pytest
from . import conftest
conftest.GRACE = 1

@pytest.mark.timeout(1)
def test_hang():
    while True:
        with contextlib.suppress(BaseException):
            threading.Event().wait()
"""

    status, output = run_pytest(tmp_path, code)

    assert status == 1
    assert "in test_hang" in output


def test_a_thread_that_is_left_behind_does_not_keep_the_process(tmp_path: Path) -> None:
    code = """
import threading
from . import conftest
conftest.EXIT_GRACE = 1

def test_leak(): threading.Thread(target=threading.Event().wait).start()
"""

    status, output = run_pytest(tmp_path, code)

    assert "1 passed" in output
    assert status == 1


def test_each_test_has_a_limit(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("timeout")) <= 600
