"""Another: a process of a user who has fewer rights to our files."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

__all__ = ["Another", "open_folder"]

FORK = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of threads that a fork leaves
]


class Another:
    """Calls *work* in a child process without the rights of root.

    `result` is what *work* returned. *work* gets a function that waits until the test calls `turn`.
    """

    def __init__(self, work: Callable[[Callable[[], None]], Any]) -> None:
        (self._hear, tell), (hear, self._tell) = os.pipe(), os.pipe()
        self._child = os.fork()
        if self._child == 0:
            try:
                os.close(self._hear)
                os.close(self._tell)
                _step_down()
                self._hear, self._tell = hear, tell
                said = {"result": work(self._swap)}
            except BaseException:
                said = {"error": traceback.format_exc()}
            os.write(tell, json.dumps(said).encode() + b"\n")
            os._exit(0)
        os.close(tell)
        os.close(hear)
        self._read = os.fdopen(self._hear)
        self._wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._tell)  # which ends a turn that was not taken
        self._read.read()
        self._read.close()
        os.waitpid(self._child, 0)

    def turn(self) -> None:
        """Let the work go on until it waits again, or returns."""
        os.write(self._tell, b"\n")
        self._wait()

    @property
    def result(self) -> Any:
        """What the work returned."""
        assert self._said is not None, "it still waits for a turn"
        if "error" in self._said:
            pytest.fail(self._said["error"])
        return self._said["result"]

    def _wait(self) -> None:
        self._said: dict[str, Any] | None = json.loads(self._read.readline() or "null")

    def _swap(self) -> None:
        os.write(self._tell, b"null\n")
        if not os.read(self._hear, 1):
            os._exit(0)


def open_folder() -> Iterator[Path]:
    """A folder that all users may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def _step_down() -> None:
    """Modes bind all users but root: become the user nobody if this is root."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
