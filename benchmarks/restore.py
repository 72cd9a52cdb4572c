"""Restore a run with a long history from its journal."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fsm import MemoryJournal
from fsm.journal.sqlite.journal import SQLiteJournal

from .handwritten import Record, wire
from .journal import insert, raw_connection, rows, steps
from .measure import Effort, Make, Table, take_turns
from .subjects import Bare

__all__ = ["tables"]

_STEPS = 10_000
_SELECT = "SELECT run, seq, event, micros, payload, origin FROM steps WHERE run = ? ORDER BY seq"


def tables(effort: Effort) -> Iterator[Table]:
    """From memory and from SQLite, per step and as a whole."""
    count = effort.count(_STEPS)
    memory = MemoryJournal()
    for step in steps(count):
        memory.append(step)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        connection = raw_connection(path)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows(count))
        connection.execute("COMMIT")
        with SQLiteJournal(path) as journal:
            yield take_turns(
                f"restore a run of {count:,} steps",
                {
                    "hand-written, SQLite": _repeated(lambda: _by_hand(connection)),
                    "ours, SQLite": _repeated(lambda: Bare.restore("run-1", journal)),
                    "ours, memory": _repeated(lambda: Bare.restore("run-1", memory)),
                },
                against="hand-written, SQLite",
                effort=effort,
                unit="ms",
                note="hand-written: the rows, json.loads, the state's constructor; nothing checked",
            )
        connection.close()


def _by_hand(connection: Any) -> list[Record]:
    history = []
    source = None
    for run, seq, event, micros, payload, origin in connection.execute(_SELECT, ("run-1",)):
        if source is None:
            source = wire.read(json.loads(origin)["source"])
        dest = wire.read(json.loads(payload))
        history.append(Record(run, seq, event, source, dest, micros))
        source = dest
    return history


def _repeated(restore: Callable[[], object]) -> Make:
    def work(times: int) -> None:
        for _ in range(times):
            restore()

    return lambda: work
