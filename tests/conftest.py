"""What every test may ask for, and what no test depends on: signals that the caller ignores."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_timeout import is_debugging

from .postgres import database, postgres

__all__ = ["database", "postgres"]

HERE = Path(__file__).parent
LONG = os.environ.get("FSM_TORTURE", "") not in ("", "0")
GRACE = 60  # seconds past its limit until a test that goes on is ended with its process
EXIT_GRACE = 300  # seconds that the interpreter may take to end after the last test
STDERR = pytest.StashKey[int]()

# Seconds until a test that hangs fails, where the default of setup.cfg is too short.
LIMITS = {
    "torture": 7200 if LONG else 900,
    "simulation": 3600 if LONG else 900,
    "test_benchmarks.py": 600,
}

# The signals that tests send, or that programs under test rely on. A program inherits what its
# parent ignores or blocks: `nohup` ignores SIGHUP, a shell ignores SIGINT and SIGQUIT for what it
# starts in the background. A test that interrupts such a program would wait for ever.
RELIED_ON = [
    getattr(signal, name)
    for name in (
        *("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGCHLD"),
        *("SIGTSTP", "SIGCONT", "SIGUSR1", "SIGUSR2"),
    )
    if hasattr(signal, name)  # Windows has few of them
]


def reset_signals() -> None:
    """Let this process, and every program it starts, hear the signals that tests rely on."""
    for number in RELIED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            continue
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        elif number == getattr(signal, "SIGHUP", None):
            # pytest itself outlives its terminal, as `nohup` wants; a program that it starts has
            # the default again, because a handler does not pass to another program.
            signal.signal(number, _ignore)
        else:
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, RELIED_ON)


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing."""


reset_signals()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STDERR] = os.dup(2)  # the real one: later pytest captures what is written to it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give long tests longer limits, unless they name one themselves."""
    for item in items:
        inside = item.path.relative_to(HERE).parts[0] if HERE in item.path.parents else ""
        if inside in LIMITS and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMITS[inside]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the process with a traceback of each thread where the time limit has no effect.

    pytest-timeout raises an exception in the main thread. It is not noticed in C code that does
    not return, nor by code that catches everything and goes on.
    """
    config, marker = item.config, item.get_closest_marker("timeout")
    limit = float(marker.args[0] if marker else config.getini("timeout"))
    if config.getoption("timeout") is not None:
        limit = config.getoption("timeout")
    if limit > 0 and not (config.getoption("usepdb") or is_debugging()):
        faulthandler.dump_traceback_later(limit + GRACE, exit=True, file=config.stash[STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_enter_pdb() -> None:
    """Let a person debug for as long as they like."""
    faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process although a thread that a failed test left behind never ends."""
    sys.stdout.flush()  # the process may end without it
    faulthandler.dump_traceback_later(EXIT_GRACE, exit=True, file=config.stash[STDERR])
