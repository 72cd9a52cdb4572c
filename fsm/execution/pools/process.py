"""Process: one of a pool; it says what it carries out, and leaves with whoever made it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

__all__ = ["Mark", "follow_parent", "marked", "under_way"]


@attrs.frozen
class Mark:
    """One piece of work, by its number; in *folder* each process says which one it is at."""

    folder: str
    number: int

    def leave(self) -> None:
        """Say that this process has begun the work."""
        with suppress(OSError):  # the work is worth more than knowing who does it
            Path(self.folder, str(os.getpid())).write_text(str(self.number), "ascii")

    @staticmethod
    def read(folder: str) -> dict[int, int]:
        """Which process was last at which work: by its number."""
        found = {}
        for file in Path(folder).iterdir():
            with suppress(OSError, ValueError):  # it died while it said so
                found[int(file.read_text("ascii"))] = int(file.name)
        return found


def marked(mark: Mark, task: Callable[..., Any], *args: Any) -> Any:
    """Call *task*, having said which process does."""
    with under_way:
        mark.leave()
        return task(*args)


class _UnderWay:
    """How many pieces of work this process is at."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._leaving = False

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._leaving)  # for ever: the process ends
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """End this process once what is under way is done; nothing more is begun."""
        with self._changed:
            self._leaving = True
            self._changed.wait_for(lambda: not self._count)
            os._exit(0)


under_way = _UnderWay()


def follow_parent() -> None:
    """Leave with the process that made this one, though it was killed: when what is done is done.

    And leave its interrupts to it: it says what becomes of the runs.
    """
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), name="fsm-parent", daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    under_way.end()
