"""Keyboard: what somebody pressed, without waiting for Enter."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

__all__ = ["keys"]

_END = "\x04"  # what a terminal says when there is nobody any more


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Lend a function that waits for keys, so many seconds; it returns "" where none came.

    The terminal is as it was afterwards. Where stdin is none, no key ever comes.
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
        yield partial(_pressed, terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _pressed(terminal: int, seconds: float) -> str:
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    return os.read(terminal, 64).decode("ascii", "replace") or _END


def _nothing(seconds: float) -> str:
    threading.Event().wait(seconds)
    return ""
