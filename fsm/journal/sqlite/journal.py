"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fsm.errors import JournalError, LifecycleError
from fsm.journal.arguments import LifecycleLike, as_steps, check_names
from fsm.journal.opening import Address
from fsm.journal.records import Record
from fsm.journal.redaction import as_redaction, patterns_of
from fsm.journal.relational import statements as sql
from fsm.journal.relational.base import RelationalJournal
from fsm.journal.relational.inserts import Insert, RunRow, edge_rows, rejection
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle

from .file import SQLiteFile
from .schema import RULES

__all__ = ["SQLiteJournal"]

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_INSERT_STEP = sql.positional(sql.INSERT_STEP)
_NOTE_PATIENCE = 0.02  # seconds to wait, to keep a refusal, for others that write


class SQLiteJournal(SQLiteFile, RelationalJournal):
    """Keeps steps in one file. Several threads and processes may use it at the same time.

    `append` returns when the step is on the disk: WAL with synchronous=FULL. Steps that threads
    append at the same time share a transaction. The file and its side files are for their owner
    alone (mode 0600).

    A file that may not be written to is only read: by locks while another process writes, and
    without making a file. Writing raises `JournalError`.

    Args:
        path: The file; made if it does not exist. A symbolic link is refused.
        patience: Seconds to wait for another writer.
        redact: Regular expressions; what matches becomes `***` in payloads before they are kept.

    Raises:
        JournalError: The file cannot be opened, or is not a journal of this version.
    """

    message = "json_extract(steps.payload, '$.message')"
    names = "SELECT value FROM json_each(:names)"
    locking = ""  # a writer has the file to itself

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
        """By which another process opens the journal."""
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
        insert = Insert(step, lifecycle, epoch, self._redaction, outbox, self._child_rows)
        self._check_process()
        try:
            self._queue.append(insert)
            with self._lock:
                if not insert.done:
                    self._write_queue()
        except BaseException:
            insert.withdrawn = True  # no other thread writes what its caller has given up
            raise
        if insert.error is not None:
            raise insert.error

    def extend(self, steps: Iterable[Step], lifecycle: LifecycleLike | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none; see `Journal.extend`."""
        inserts = [Insert(step, lifecycle, None, self._redaction) for step in as_steps(steps)]
        self._check_process()
        with self._lock:
            self._pending_edges.clear()
            with self._writing(f"keep {len(inserts)} steps") as connection:
                for insert in inserts:
                    self._insert(connection, insert)
            self._known_edges |= self._pending_edges

    def changes(self) -> object:
        """Return a value that differs if anything was committed; see `Journal.changes`."""
        with self._reading("look for changes") as connection:
            (of_others,) = connection.execute("PRAGMA data_version").fetchone()
            return self._opening, of_others, connection.total_changes  # the last are its own

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt, unless the file is busy.

        Raises:
            JournalError: The file is busy, or cannot be written.
        """
        check_names(refusal.state, refusal.event)
        self._check_process()
        if not self._lock.acquire(timeout=_NOTE_PATIENCE):
            raise JournalError(f"{self} is busy")
        try:
            with self._hurry():
                super().note_refusal(refusal)
        finally:
            self._lock.release()

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._name!r}>"

    @contextmanager
    def _hurry(self) -> Iterator[None]:
        """Wait only a moment for other writers."""
        with self._reading("hurry") as connection:
            connection.execute(f"PRAGMA busy_timeout = {_NOTE_PATIENCE * 1000:.0f}")
            try:
                yield
            finally:
                connection.execute(f"PRAGMA busy_timeout = {self._patience * 1000:.0f}")

    # How the database is reached.

    def _query(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        return self._rows(action, statement, parameters)

    def _execute(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        with self._writing(action) as connection:
            return connection.execute(statement, parameters).fetchall()

    def _database_faults(self) -> Iterator[str]:
        for (fault,) in self._query("check the file", "PRAGMA integrity_check", {}):
            if fault != "ok":
                yield fault
        there = dict(self._query("read the rules", _TRIGGERS, {}))
        for name, rule in sorted(RULES.items()):
            if there.get(name) != rule:
                yield f"the rule {name} is {'not ours' if name in there else 'missing'}"

    # Writing.

    def _write_queue(self) -> None:
        """Write all that threads have asked for by now, in one transaction.

        An interrupt may come at any line. What stays in the queue and is not done, the next thread
        writes.
        """
        inserts = [each for each in self._queue.copy() if not (each.done or each.withdrawn)]
        what = repr(inserts[0]) if len(inserts) == 1 else f"{len(inserts)} steps"
        try:
            self._pending_edges.clear()
            with self._writing(f"keep {what}") as connection:
                self._insert_each(connection, inserts)
            self._known_edges |= self._pending_edges
        except Exception as error:
            for insert in inserts:
                insert.error = insert.error or error
        for insert in inserts:
            insert.done = True
        while self._queue and (self._queue[0].done or self._queue[0].withdrawn):
            self._queue.popleft()

    def _insert_each(self, connection: sqlite3.Connection, inserts: list[Insert]) -> None:
        for insert in inserts:
            insert.error = None
        if len(inserts) == 1:
            self._insert(connection, inserts[0])
            return
        for insert in inserts:
            connection.execute("SAVEPOINT step")
            try:
                self._insert(connection, insert)
            except sqlite3.OperationalError:  # an error of the disk, not of one step
                raise
            except Exception as error:  # the other steps go on
                insert.error = self._as_journal_error(insert, error)
                connection.execute("ROLLBACK TO step")
            connection.execute("RELEASE step")

    def _as_journal_error(self, insert: Insert, error: Exception) -> Exception:
        if isinstance(error, LifecycleError):
            return error
        wrapped = JournalError(f"cannot keep {insert!r} in {self}: {error}")
        wrapped.__cause__ = error
        return wrapped

    def _insert(self, connection: sqlite3.Connection, insert: Insert) -> None:
        record, lifecycle = insert.record, insert.lifecycle
        known, pending = self._known_edges, self._pending_edges
        try:
            if not (lifecycle is None or lifecycle in known or lifecycle in pending):
                connection.executemany(sql.INSERT_EDGE, edge_rows(lifecycle))
            if record.seq == 1:
                connection.execute(sql.INSERT_RUN, insert.run_row())
            connection.execute(_INSERT_STEP, record)
            if insert.outbox:
                connection.executemany(sql.INSERT_OUTBOX, insert.outbox_rows())
            if lifecycle is not None:  # not earlier: a savepoint that is rolled back has its edges
                pending.add(lifecycle)
            insert.tried = True
        except sqlite3.IntegrityError as error:
            there = connection.execute(sql.STEP, {"run": record.run, "seq": record.seq}).fetchone()
            if insert.tried and there == record:  # it was committed before an interrupt hid that
                return
            row = connection.execute(sql.RUN, {"run": record.run}).fetchone()
            raise rejection(
                insert, str(error), there and Record(*there), row and RunRow(*row)
            ) from None

    def _renew_process(self) -> None:
        super()._renew_process()
        self._queue: deque[Insert] = deque()
        self._known_edges: set[Lifecycle] = set()  # lifecycles whose edges are in the file
        self._pending_edges: set[Lifecycle] = set()  # will be, when the transaction is committed
