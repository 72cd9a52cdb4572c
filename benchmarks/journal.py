"""How fast journals keep steps, in memory and in SQLite, next to the bare database."""

from __future__ import annotations

import functools
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fsm import MemoryJournal, Step
from fsm.journal import Record
from fsm.journal.relational import statements
from fsm.journal.sqlite.journal import SQLiteJournal
from states import Pending, Running

from .handwritten import Journal
from .measure import Effort, Make, Table, Work, repeat, take_turns

__all__ = ["insert", "raw_connection", "rows", "steps", "tables"]

insert = statements.positional(statements.INSERT_STEP)
_BATCH = 100


def tables(effort: Effort) -> Iterator[Table]:
    """Memory, then SQLite step by step and in batches."""
    yield _memory(effort)
    yield _written(effort)
    yield from _one_by_one(effort)
    yield _batches(effort)


def steps(count: int) -> Iterator[Step]:
    """The steps of a run that goes to and fro."""
    to, fro = Running("half way"), Pending("and back")
    for seq in range(1, count + 1):
        event, source, dest = ("begin", fro, to) if seq % 2 else ("back", to, fro)
        settings: dict[str, object] | None = {} if seq == 1 else None
        yield Step("run-1", seq, event, source, dest, 1_577_836_800_000_000 + seq, settings)


def raw_connection(path: Path) -> sqlite3.Connection:
    """A connection to a file that our journal has made, with the same settings and rules.

    The run is there, with its first step.
    """
    first, *_ = steps(1)
    with SQLiteJournal(path) as journal:
        journal.append(first)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    return connection


def _memory(effort: Effort) -> Table:
    def appending(make: Callable[[], MemoryJournal | Journal]) -> Make:
        def ready_to_work() -> Work:
            journal, todo = make(), steps(10_000_000)

            def work(times: int) -> None:
                for step in itertools.islice(todo, times):
                    journal.append(step)  # type: ignore[arg-type]  # a Record has the same fields

            return work

        return ready_to_work

    return take_turns(
        "append to memory",
        {"hand-written": appending(Journal), "ours": appending(MemoryJournal)},
        against="hand-written",
        effort=effort,
        note="making the step to be appended is in it",
    )


def _written(effort: Effort) -> Table:
    _, step, *_ = steps(2)

    def work(times: int) -> None:
        for _ in range(times):
            Record.of(step)

    return take_turns(
        "write a step out",
        {"ours": lambda: work},
        against="ours",
        effort=effort,
        note="as the row that SQLite keeps; part of each append",
    )


def _one_by_one(effort: Effort) -> Iterator[Table]:
    """With syncs as usual, and without: the share of the processor."""
    count = effort.count(300)

    def ours(path: Path, level: str) -> Iterator[None]:
        with SQLiteJournal(path) as journal:
            first, *todo = steps(count + 1)
            journal.append(first)
            journal._connect().execute(f"PRAGMA synchronous = {level}")
            yield
            for step in todo:
                journal.append(step)
            yield

    def raw(path: Path, level: str) -> Iterator[None]:
        connection = raw_connection(path)
        connection.execute(f"PRAGMA synchronous = {level}")
        todo = rows(count)
        yield
        for row in todo:
            connection.execute(insert, row)  # a transaction of its own
        yield
        connection.close()

    for title, level in (("one by one", "FULL"), ("without syncs", "OFF")):
        contenders = {
            "raw sqlite3": _timed(functools.partial(raw, level=level), count),
            "ours": _timed(functools.partial(ours, level=level), count),
        }
        yield repeat(
            f"append to SQLite {title}",
            contenders,
            against="raw sqlite3",
            unit="us",
            turns=effort.turns,
            note=f"per step; WAL, synchronous={level}; raw: the same rows, written out before",
        )


def _batches(effort: Effort) -> Table:
    count = effort.count(100) * _BATCH

    def ours(path: Path) -> Iterator[None]:
        with SQLiteJournal(path) as journal:
            first, *todo = steps(count + 1)
            journal.append(first)
            batches = [todo[begin : begin + _BATCH] for begin in range(0, count, _BATCH)]
            yield
            for batch in batches:
                journal.extend(batch)
            yield

    def raw(path: Path) -> Iterator[None]:
        connection = raw_connection(path)
        todo = rows(count)
        batches = [todo[begin : begin + _BATCH] for begin in range(0, count, _BATCH)]
        yield
        for batch in batches:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, batch)
            connection.execute("COMMIT")
        yield
        connection.close()

    return repeat(
        f"append to SQLite in batches of {_BATCH}",
        {"raw sqlite3": _timed(raw, count), "ours": _timed(ours, count)},
        against="raw sqlite3",
        unit="us",
        turns=effort.turns,
        note="per step; raw: executemany of the same rows, written out before",
    )


def rows(count: int) -> list[tuple[object, ...]]:
    """The same steps after the first, written out as rows."""
    return [tuple(Record.of(step)) for step in steps(count + 1)][1:]


def _timed(keep: Callable[[Path], Iterator[None]], count: int) -> Callable[[], float]:
    """Microseconds per step, in a new file."""

    def ask() -> float:
        with tempfile.TemporaryDirectory() as folder:
            keeping = keep(Path(folder) / "runs.db")
            next(keeping)
            begin = time.perf_counter()
            next(keeping)
            passed = time.perf_counter() - begin
            next(keeping, None)
        return passed * 1e6 / count

    return ask
