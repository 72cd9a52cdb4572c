"""Folder: the directory of the demo, its journal, and the files between the steps.

Law: a file has its name only when it is whole and on the disk, so that whoever finds it may use it.
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

__all__ = ["KILLED", "ON_THE_WAY", "DemoUnderWay", "Folder"]

KILLED = "worker.killed"  # says that it has been done
ON_THE_WAY = ("raw-??.csv", "clean-??.csv", "tally-??.json", "airports.json", KILLED)
_DRAWN = ("lifecycle.mmd", "lifecycle.svg")
_JOURNAL = ("demo.db", "demo.db-wal", "demo.db-shm")


class DemoUnderWay(LifecycleError):
    """Another `fsm demo` is at work in the directory; nothing happened."""


@attrs.frozen
class Folder:
    """A directory in which files appear whole."""

    path: Path

    @classmethod
    def made(cls, path: Path) -> Folder:
        """Make the directory if it is not there.

        Raises:
            LifecycleError: It cannot be made or written to.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LifecycleError(
                f"cannot work in {str(path)!r}: {error.strerror}; name another --directory"
            ) from error
        return cls(path)

    @property
    def journal(self) -> Path:
        """Where the runs of every generation are kept."""
        return self.path / _JOURNAL[0]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other demos out of the directory.

        SQLite's lock is the same on every system, and goes with its process however that ends.

        Raises:
            DemoUnderWay: Another demo has been quicker.
        """
        lock = sqlite3.connect(self.path / "demo.lock", timeout=0, isolation_level=None)
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                raise DemoUnderWay(
                    f"another `fsm demo` is at work in {str(self.path)!r}; "
                    "wait for it, or name another --directory"
                ) from error
            yield
        finally:
            lock.close()

    def sub(self, name: str) -> Folder:
        """The folder of that name in here, made if it is not there."""
        (self.path / name).mkdir(exist_ok=True)
        return Folder(self.path / name)

    def clear(self) -> None:
        """Remove what demos have left here, and nothing else."""
        for generation in self.path.glob("demo-[0-9]*"):
            if generation.is_dir() and not generation.is_symlink():
                Folder(generation).remove(*ON_THE_WAY, "report.csv")
                try:
                    generation.rmdir()
                except OSError:  # somebody keeps something of theirs in it
                    pass
        self.remove(*_DRAWN, *_JOURNAL)

    def remove(self, *patterns: str) -> int:
        """Remove the files of these names and their drafts; return how many bytes they had."""
        names = [name for pattern in patterns for name in (pattern, f"{pattern}.*.tmp")]
        size = 0
        for file in [file for name in names for file in self.path.glob(name)]:
            with suppress(FileNotFoundError):  # a draft that got its name meanwhile
                size += file.stat().st_size
                file.unlink()
        return size

    def first(self, name: str) -> bool:
        """Whether nobody has asked this before, in whatever process: it makes that file."""
        try:
            (self.path / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[TextIO]:
        """Open a file for writing, that gets its name when it is whole.

        A worker that was given up may still be at its draft, so everyone has their own.
        """
        draft = self.path / f"{name}.{os.getpid()}-{threading.get_ident()}.tmp"
        with draft.open("w", encoding="utf-8", newline="") as text:
            yield text
            text.flush()
            os.fsync(text.fileno())
        draft.replace(self.path / name)

    def write(self, name: str, text: str) -> None:
        """Write a file of text."""
        with self.writing(name) as file:
            file.write(text)

    def write_rows(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Write a CSV file."""
        with self.writing(name) as text:
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
