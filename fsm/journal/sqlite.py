"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fsm.errors import (
    JournalError,
    LifecycleError,
    UnknownRun,
)
from fsm.step import Step
from states import limits

from . import statements as sql
from .arguments import as_steps
from .claim import Claim
from .contract import Journal
from .late import Late
from .record import Record, read
from .redaction import as_redaction
from .schema import RULES
from .sqlite_file import SQLiteFile
from .summary import Summary
from .wanted import Wanted
from .writing import Writing, edge_rows, late_row, refusal

if TYPE_CHECKING:
    from fsm.run import Run

__all__ = ["SQLiteJournal"]

_MESSAGE = "json_extract(steps.payload, '$.message')"
_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_INSERT_STEP = sql.positional(sql.INSERT_STEP)


class SQLiteJournal(SQLiteFile, Journal):
    """Keeps steps in one file; several threads and processes may use it at once.

    `append` returns when the step is on the disk: WAL with synchronous=FULL. Steps that threads
    append at the same time share a transaction. The file and its side files are for their owner
    alone (mode 0600).

    Args:
        path: The file; made if it is not there. A symbolic link is refused.
        patience: Seconds to wait for another writer.
        redact: Regular expressions; what matches is struck out of payloads before they are kept.

    Raises:
        JournalError: The file cannot be opened, or is not a journal of this version.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: float = 30.0,
        redact: Iterable[str | re.Pattern[str]] | None = None,
    ) -> None:
        self._redaction = as_redaction(redact)
        super().__init__(path, patience)

    def append(
        self,
        step: Step,
        of: type[Run] | None = None,
        *,
        epoch: int | None = None,
        outbox: Sequence[str] = (),
    ) -> None:
        """Make *step* durable, or raise and leave no trace; see `Journal.append`."""
        writing = Writing(step, of, epoch, self._redaction, outbox, self._child_payloads)
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

    def extend(self, steps: Iterable[Step], of: type[Run] | None = None) -> None:
        """Make all of *steps* durable, of any number of runs, or none; see `Journal.extend`."""
        writings = [Writing(step, of, None, self._redaction) for step in as_steps(steps)]
        self._check_process()
        with self._lock:
            self._learned.clear()
            with self._writing(f"keep {len(writings)} steps") as connection:
                for writing in writings:
                    self._insert(connection, writing)
            self._known |= self._learned

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first; see `Journal.steps`."""
        return read(self.records(run), self._child_payloads)

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; see `Journal.records`."""
        page = self._page(run, 0)
        if not page:
            raise UnknownRun(run, self)
        return self._paged(run, page)

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept."""
        wanted = Record.of(step, None, self._redaction, self._child_payloads)
        with self._reading(f"read run {step.run!r}") as connection:
            row = connection.execute(sql.STEP, {"run": step.run, "seq": step.seq}).fetchone()
        return row is not None and Record(*row)._replace(epoch=None) == wanted

    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        row = late_row(step, claim, reason, self._redaction)
        with self._writing(f"set {step!r} of run {step.run!r} aside") as connection:
            connection.execute(sql.INSERT_LATE, row._asdict())

    def _came_late(self, run: str | None) -> Iterator[Late]:
        with self._reading("read what came late") as connection:
            rows = connection.execute(sql.LATE, {"run": run}).fetchall()
        return (Late(*row) for row in rows)

    def untold(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step."""
        with self._reading("read the outbox") as connection:
            rows = connection.execute(sql.UNTOLD).fetchall()
        return iter(rows)

    def told(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener has been told."""
        with self._writing(f"note that {listener} was told") as connection:
            connection.execute(sql.TOLD, {"run": run, "seq": seq, "listener": listener})

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """The edges that runs of this class may take."""
        with self._reading("read the edges") as connection:
            return set(connection.execute(sql.EDGES, {"kind": kind}).fetchall())

    def faults(self) -> Iterator[str]:
        """What SQLite itself finds wrong with the file, and rules that somebody took out."""
        with self._reading("check the file") as connection:
            found = [
                row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"
            ]
            there = dict(connection.execute(_TRIGGERS).fetchall())
            orphans = connection.execute(sql.ORPHANS).fetchall()
        for name, rule in sorted(RULES.items()):
            if there.get(name) != rule:
                found.append(f"the rule {name} is {'not ours' if name in there else 'missing'}")
        return iter([*found, *(f"run {run!r} has steps, but no row" for (run,) in orphans)])

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._name!r}>"

    # Rows.

    def _page(self, run: object, after: int) -> list[Any]:
        if not isinstance(run, str) or not limits.is_clean(run):  # SQLite cannot look it up
            return []
        with self._reading(f"read run {run!r}") as connection:
            return connection.execute(sql.STEPS, {"run": run, "after": after}).fetchall()

    def _paged(self, run: str, page: list[Any]) -> Iterator[Record]:
        while page:
            yield from (Record(*row) for row in page)
            page = self._page(run, page[-1][1]) if len(page) == sql.PAGE else []

    def _child_payloads(self, run: str) -> Iterator[str]:
        after, more = -1, True
        while more:
            with self._reading(f"read the children of {run!r}") as connection:
                given = {"run": run, "after": after}
                page = connection.execute(sql.CHILDREN, given).fetchall()
            yield from (payload for _, payload in page)
            more = len(page) == sql.PAGE
            after = page[-1][0] if page else after

    def _summaries(self, wanted: Wanted) -> Iterator[Summary]:
        last: Summary | None = None
        while True:
            with self._reading("list the runs") as connection:
                rows = connection.execute(*sql.summaries(wanted, _MESSAGE, last)).fetchall()
            yield from (Summary(*row) for row in rows)
            if len(rows) < sql.PAGE:
                return
            last = Summary(*rows[-1])

    def _claim(
        self, limit: int, owner: str, now: int, until: int, run: str | None
    ) -> list[tuple[str, int]]:
        given = {"owner": owner, "now": now, "until": until, "run": run, "limit": limit}
        text = sql.CLAIM.replace("{locked}", "") if run is None else sql.CLAIM_ONE
        with self._writing("claim runs") as connection:
            rows = connection.execute(text, given).fetchall()
        return [(id, epoch) for id, epoch, _ in sorted(rows, key=lambda row: (row[2] or 0, row[0]))]

    def _renew(self, run: str, epoch: int, until: int) -> bool:
        with self._writing(f"renew the lease of {run!r}") as connection:
            given = {"run": run, "epoch": epoch, "until": until}
            return connection.execute(sql.RENEW, given).rowcount == 1

    def _free(self, run: str, epoch: int) -> bool:
        with self._writing(f"release {run!r}") as connection:
            return connection.execute(sql.FREE, {"run": run, "epoch": epoch}).rowcount == 1

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
        record, of = writing.record, writing.of
        try:
            if of is not None and of not in self._known:
                connection.executemany(sql.INSERT_EDGE, edge_rows(of))
            if record.seq == 1:
                connection.execute(sql.INSERT_RUN, writing.run_row())
            connection.execute(_INSERT_STEP, record)
            if writing.outbox:
                connection.executemany(sql.INSERT_OUTBOX, writing.outbox_rows())
            if of is not None:  # not earlier: with a refused step, its savepoint takes the edges
                self._learned.add(of)
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
        self._known: set[type[Run]] = set()  # the classes whose edges the file has
        self._learned: set[type[Run]] = set()  # will have, when the transaction is committed
