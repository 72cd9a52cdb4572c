"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fsm.errors import JournalError, LifecycleError
from fsm.journal.address import Address
from fsm.journal.arguments import LifecycleLike, as_steps
from fsm.journal.records import Record
from fsm.journal.redaction import as_redaction, patterns_of
from fsm.journal.relational import statements as sql
from fsm.journal.relational.base import RowJournal
from fsm.journal.relational.inserts import Writing, edge_rows, refusal
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

from .file import SQLiteFile
from .schema import RULES

__all__ = ["SQLiteJournal"]

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_INSERT_STEP = sql.positional(sql.INSERT_STEP)
_SOON = 0.02  # seconds


class SQLiteJournal(SQLiteFile, RowJournal):
    """Keeps steps in one file; several threads and processes may use it at once.

    `append` returns when the step is on the disk: WAL with synchronous=FULL. Steps that threads
    append at the same time share a transaction. The file and its side files are for their owner
    alone (mode 0600).

    Where it may not be written to, it is read: by locks while somebody writes, and without making
    a file. What is written is refused.

    Args:
        path: The file; made if it is not there. A symbolic link is refused.
        patience: Seconds to wait for another writer.
        redact: Regular expressions; what matches is struck out of payloads before they are kept.

    Raises:
        JournalError: The file cannot be opened, or is not a journal of this version.
    """

    message = "json_extract(steps.payload, '$.message')"
    names = "SELECT value FROM json_each(:names)"
    locking = ""  # who writes has the file to himself

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: float = 30.0,
        redact: Iterable[str | re.Pattern[str]] | None = None,
    ) -> None:
        self._redaction = as_redaction(redact)
        super().__init__(path, patience)

    @property
    def address(self) -> Address:
        """By which another process opens it."""
        return Address(f"sqlite:///{self.path}", patterns_of(self._redaction))

    def append(
        self,
        step: Step,
        lifecycle: LifecycleLike | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable, or raise and leave no trace; see `Journal.append`."""
        writing = Writing(step, lifecycle, epoch, self._redaction, outbox, self._child_rows)
        self._check_process()
        try:
            self._queue.append(writing)
            with self._lock:
                if not writing.done:
                    self._write_queue()
        except BaseException:
            writing.withdrawn = True  # no other thread writes what its caller has given up
            raise
        if writing.error is not None:
            raise writing.error

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none; see `Journal.extend`."""
        writings = [Writing(step, lifecycle, None, self._redaction) for step in as_steps(steps)]
        self._check_process()
        with self._lock:
            self._learned.clear()
            with self._writing(f"keep {len(writings)} steps") as connection:
                for writing in writings:
                    self._insert(connection, writing)
            self._known |= self._learned

    def changes(self) -> object:
        """What differs when anybody has committed anything; see `Journal.changes`."""
        with self._reading("look for changes") as connection:
            (of_others,) = connection.execute("PRAGMA data_version").fetchone()
            return self._opening, of_others, connection.total_changes  # the last are its own

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt was refused, unless the file is busy: nobody waits for a note."""
        self._check_process()
        if not self._lock.acquire(timeout=_SOON):
            raise JournalError(f"{self} is busy")
        try:
            with self._hurried():
                super().note_refusal(refusal)
        finally:
            self._lock.release()

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._name!r}>"

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """Wait no longer than a moment for others that write."""
        with self._reading("hurry") as connection:
            connection.execute(f"PRAGMA busy_timeout = {_SOON * 1000:.0f}")
            try:
                yield
            finally:
                connection.execute(f"PRAGMA busy_timeout = {self._patience * 1000:.0f}")

    # How it is asked.

    def _ask(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        return self._rows(what, statement, given)

    def _change(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        with self._writing(what) as connection:
            return connection.execute(statement, given).fetchall()

    def _spoilt(self) -> Iterator[str]:
        for (said,) in self._ask("check the file", "PRAGMA integrity_check", {}):
            if said != "ok":
                yield said
        there = dict(self._ask("read the rules", _TRIGGERS, {}))
        for name, rule in sorted(RULES.items()):
            if there.get(name) != rule:
                yield f"the rule {name} is {'not ours' if name in there else 'missing'}"

    # Writing.

    def _write_queue(self) -> None:
        """Keep all that threads have asked for by now, in one transaction.

        An interrupt may come at any line: what stays in the queue and is not done, the next thread
        writes.
        """
        writings = [each for each in self._queue.copy() if not (each.done or each.withdrawn)]
        what = repr(writings[0]) if len(writings) == 1 else f"{len(writings)} steps"
        try:
            self._learned.clear()
            with self._writing(f"keep {what}") as connection:
                self._insert_each(connection, writings)
            self._known |= self._learned
        except Exception as error:
            for writing in writings:
                writing.error = writing.error or error
        for writing in writings:
            writing.done = True
        while self._queue and (self._queue[0].done or self._queue[0].withdrawn):
            self._queue.popleft()

    def _insert_each(self, connection: sqlite3.Connection, writings: list[Writing]) -> None:
        for writing in writings:
            writing.error = None
        if len(writings) == 1:
            self._insert(connection, writings[0])
            return
        for writing in writings:
            connection.execute("SAVEPOINT step")
            try:
                self._insert(connection, writing)
            except sqlite3.OperationalError:  # the disk's: nobody's step alone
                raise
            except Exception as refused:  # the others go on
                writing.error = self._refused(writing, refused)
                connection.execute("ROLLBACK TO step")
            connection.execute("RELEASE step")

    def _refused(self, writing: Writing, error: Exception) -> Exception:
        if isinstance(error, LifecycleError):
            return error
        refused = JournalError(f"cannot keep {writing!r} in {self}: {error}")
        refused.__cause__ = error
        return refused

    def _insert(self, connection: sqlite3.Connection, writing: Writing) -> None:
        record, lifecycle = writing.record, writing.lifecycle
        try:
            if not (lifecycle is None or lifecycle in self._known or lifecycle in self._learned):
                connection.executemany(sql.INSERT_EDGE, edge_rows(lifecycle))
            if record.seq == 1:
                connection.execute(sql.INSERT_RUN, writing.run_row())
            connection.execute(_INSERT_STEP, record)
            if writing.outbox:
                connection.executemany(sql.INSERT_OUTBOX, writing.outbox_rows())
            if (
                lifecycle is not None
            ):  # not earlier: with a refused step, its savepoint takes the edges
                self._learned.add(lifecycle)
            writing.tried = True
        except sqlite3.IntegrityError as error:
            there = connection.execute(sql.STEP, {"run": record.run, "seq": record.seq}).fetchone()
            if writing.tried and there == record:  # committed, when an interrupt hid that
                return
            run = connection.execute(sql.CLAIMED, {"run": record.run}).fetchone()
            raise refusal(writing, str(error), there and Record(*there), run) from None

    def _renew_process(self) -> None:
        super()._renew_process()
        self._queue: deque[Writing] = deque()
        self._known: set[Lifecycle] = set()  # the lifecycles whose edges the file has
        self._learned: set[Lifecycle] = set()  # will have, when the transaction is committed
