"""The directory of the demo: its journal, its lock, and the files between the tasks.

A file gets its name only when it is complete and on the disk: a task that finds it may use it.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import attrs

from fsm.errors import LifecycleError

__all__ = ["INTERMEDIATE", "KILLED", "DemoUnderWay", "Folder"]

KILLED = "worker.killed"  # exists once a worker was killed on purpose
INTERMEDIATE = ("raw-??.csv", "clean-??.csv", "tally-??.json", "airports.json", KILLED)
_PICTURES = ("lifecycle.mmd", "lifecycle.svg", "timeline.svg", "report.html")
_JOURNAL = ("demo.db", "demo.db-wal", "demo.db-shm")


class DemoUnderWay(LifecycleError):
    """Another `fsm demo` runs in the directory; this one did nothing."""


@attrs.frozen
class Folder:
    """A directory in which files appear only when they are complete."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Folder:
        """Create the directory if it does not exist.

        Raises:
            LifecycleError: It cannot be created or written to.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LifecycleError(
                f"cannot use {str(path)!r}: {error.strerror}; choose another --directory"
            ) from error
        return cls(path)

    @property
    def journal(self) -> Path:
        """The journal of all generations."""
        return self.path / _JOURNAL[0]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other demos out of the directory.

        The lock is SQLite's: it works on every system, and is released however the process ends.

        Raises:
            DemoUnderWay: Another demo holds the lock.
        """
        database = sqlite3.connect(self.path / "demo.lock", timeout=0, isolation_level=None)
        try:
            try:
                database.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                raise DemoUnderWay(
                    f"another `fsm demo` runs in {str(self.path)!r}; "
                    "wait for it, or choose another --directory"
                ) from error
            yield
        finally:
            database.close()

    def sub(self, name: str) -> Folder:
        """Return the folder of that name in this one; create it if it does not exist."""
        (self.path / name).mkdir(exist_ok=True)
        return Folder(self.path / name)

    def clear(self) -> None:
        """Remove the files of demos, and nothing else."""
        for generation in self.path.glob("demo-[0-9]*"):
            if generation.is_dir() and not generation.is_symlink():
                Folder(generation).remove(*INTERMEDIATE, "report.csv")
                try:
                    generation.rmdir()
                except OSError:  # it contains other files
                    pass
        self.remove(*_PICTURES, *_JOURNAL)

    def remove(self, *patterns: str) -> int:
        """Remove files by name, with their unfinished drafts; return their size in bytes."""
        names = [name for pattern in patterns for name in (pattern, f"{pattern}.*.tmp")]
        size = 0
        for file in [file for name in names for file in self.path.glob(name)]:
            with suppress(FileNotFoundError):  # a draft that was just renamed
                size += file.stat().st_size
                file.unlink()
        return size

    def create_once(self, name: str) -> bool:
        """Create an empty file; return False if any process has created it before."""
        try:
            (self.path / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def open_new(self, name: str) -> Iterator[TextIO]:
        """Open a file for writing; it gets its name at the end of the block.

        Each thread writes a draft of its own: a worker that timed out may still be writing.
        """
        draft = self.path / f"{name}.{os.getpid()}-{threading.get_ident()}.tmp"
        with draft.open("w", encoding="utf-8", newline="") as text:
            yield text
            text.flush()
            os.fsync(text.fileno())
        draft.replace(self.path / name)

    def write(self, name: str, text: str) -> None:
        """Write a file of text."""
        with self.open_new(name) as file:
            file.write(text)

    def write_rows(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Write a CSV file."""
        with self.open_new(name) as text:
            csv.writer(text).writerows(rows)

    @contextmanager
    def rows(self, name: str) -> Iterator[Iterator[list[str]]]:
        """Open a CSV file for reading."""
        with (self.path / name).open(encoding="utf-8", newline="") as text:
            yield csv.reader(text)

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file."""
        self.write(name, json.dumps(value, sort_keys=True))

    def json(self, name: str) -> Any:
        """Read a JSON file."""
        return json.loads((self.path / name).read_text(encoding="utf-8"))
