"""The keyboard and the signals of a terminal, for commands that run until they are stopped."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

__all__ = ["SUSPEND", "exit_on_signals", "read_keys", "suspend"]

SUSPEND = "\x1a"  # Ctrl-Z

_END = "\x04"  # Ctrl-D; also returned when the terminal is closed


@contextmanager
def read_keys() -> Iterator[Callable[[float], str]]:
    """Provide a function that waits up to so many seconds for keys and returns them, or "".

    Keys come without Enter, and Ctrl-Z is one of them: a program that is stopped while it draws
    would leave its screen behind. The terminal's mode is restored afterwards. Where stdin is not
    a terminal, no keys come.
    """
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield _wait
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        mode = termios.tcgetattr(terminal)
        mode[6][termios.VSUSP] = os.fpathconf(terminal, "PC_VDISABLE").to_bytes()
        termios.tcsetattr(terminal, termios.TCSADRAIN, mode)
        yield partial(_read, terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit in the block, so that it cleans up."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)  # the exit code that a shell reports for a signal

    names = ("SIGTERM", "SIGHUP")  # Windows lacks SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handled = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in handled:
            signal.signal(number, end)
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def suspend() -> None:
    """Stop this process and the others of its job until the shell continues them."""
    os.kill(0, signal.SIGTSTP)


def _read(terminal: int, seconds: float) -> str:
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    return os.read(terminal, 64).decode("ascii", "replace") or _END


def _wait(seconds: float) -> str:
    threading.Event().wait(seconds)
    return ""
