"""Keyboard: what somebody pressed, without waiting for Enter, and the signals that say as much."""

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

__all__ = ["SUSPEND", "ended_in_order", "keys", "suspend"]

SUSPEND = "\x1a"  # Ctrl-Z

_END = "\x04"  # what a terminal says when there is nobody any more


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Lend a function that waits for keys, so many seconds; it returns "" where none came.

    The terminal is as it was afterwards. Ctrl-Z is a key too: a program that is stopped in the
    middle leaves its screen behind. Where stdin is none, no key ever comes.
    """
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield _nothing
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
        yield partial(_pressed, terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what is within as an exception does, so that it cleans up."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)  # as a shell counts

    names = ("SIGTERM", "SIGHUP")  # Windows has not both
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in heard:
            signal.signal(number, end)
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def suspend() -> None:
    """Stop, with whoever is in the same job, until the shell lets it go on."""
    os.kill(0, signal.SIGTSTP)


def _pressed(terminal: int, seconds: float) -> str:
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    return os.read(terminal, 64).decode("ascii", "replace") or _END


def _nothing(seconds: float) -> str:
    threading.Event().wait(seconds)
    return ""
