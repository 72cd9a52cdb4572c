"""SQLiteJournal: keeps steps in one file, across processes, crashes and power cuts."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.errors import (
    InvalidArgument,
    JournalError,
    JournalUncertain,
    LifecycleError,
    UnknownRun,
)
from fsm.step import Step
from states import limits

from . import statements as sql
from .arguments import as_seconds, as_steps
from .claim import Claim
from .contract import Journal
from .late import Late
from .record import Record, read
from .redaction import as_redaction
from .schema import MARK, RULES, VERSION, create, upgrade
from .summary import Summary
from .wanted import Wanted
from .writing import Writing, edge_rows, late_row, refusal

if TYPE_CHECKING:
    from fsm.run import Run

__all__ = ["SQLiteJournal"]

_A_MOMENT = 0.01  # seconds
_MESSAGE = "json_extract(steps.payload, '$.message')"
_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_INSERT_STEP = sql.positional(sql.INSERT_STEP)


class SQLiteJournal(Journal):
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

    _connection: sqlite3.Connection | None
    _file: tuple[int, int] | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: float = 30.0,
        redact: Iterable[str | re.Pattern[str]] | None = None,
    ) -> None:
        try:
            self._name = os.fsdecode(path)
            self.path = Path(path).absolute()  # so that ":memory:", too, is a file of that name
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"a journal is a file, and {path!r} names none") from error
        self._patience = as_seconds("patience", patience)
        self._redaction = as_redaction(redact)
        self._renew_process()
        with self._reading("open the journal"):
            pass

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
        with self._writing(f"keep {len(writings)} steps") as connection:
            for writing in writings:
                self._insert(connection, writing)

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

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._process != os.getpid():
            return  # a connection inherited over a fork is left alone, not closed
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._name!r}>"

    def __str__(self) -> str:
        return self._name

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
            with self._writing(f"keep {what}") as connection:
                self._insert_each(connection, writings)
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

    # The file.

    def _renew_process(self) -> None:
        """Begin anew, as a forked process must: its parent's lock may be held for ever."""
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._queue: deque[Writing] = deque()
        self._known: set[type[Run]] = set()  # the classes whose edges the file has
        self._learned: set[type[Run]] = set()  # will have, when the transaction is committed
        self._connection = None
        self._file = None

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._renew_process()

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        self._check_process()
        with self._lock:
            try:
                yield self._connect()
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                raise JournalError(f"cannot {what} in {self}: {error}") from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """One transaction. IMMEDIATE: the write lock first, so that no reader becomes a writer."""
        with self._reading(what) as connection:
            if _identity(self.path) != self._file:
                raise JournalError(f"cannot {what}: {self} was replaced while it was open")
            self._learned.clear()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                self._commit(connection, what)
                self._known |= self._learned
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _commit(self, connection: sqlite3.Connection, what: str) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_IOERR"):  # it may yet be on the disk
                raise JournalUncertain(
                    f"cannot say whether {self} kept it, when asked to {what}: {error}"
                ) from error
            raise

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            _make_file(self.path)
            self._connection = self._opened()
            self._file = _identity(self.path)
        elif self._connection.in_transaction:  # left open by an interrupt: it was never committed
            self._connection.execute("ROLLBACK")
        return self._connection

    def _open_connection(self) -> sqlite3.Connection:
        """The one door to SQLite: a test puts a disk of its own behind it."""
        return sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )

    def _opened(self) -> sqlite3.Connection:
        connection = self._open_connection()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            self._prepare_schema(connection)  # first, so that somebody else's file stays as it was
            connection.execute("COMMIT")
            self._use_wal(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Write ahead: the mode is the file's, and only changes while nobody else is in it.

        SQLite does not wait for that by itself, so we do.
        """
        for _ in range(max(1, int(self._patience / _A_MOMENT))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                threading.Event().wait(_A_MOMENT)
        connection.execute("PRAGMA journal_mode = WAL")

    def _prepare_schema(self, connection: sqlite3.Connection) -> None:
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if mark == MARK and version > VERSION:
            raise JournalError(
                f"{self} is a journal of version {version}; this release reads version {VERSION}"
            )
        if mark == MARK and version < VERSION:
            upgrade(connection, version)
        elif mark != MARK and (mark or version or tables):
            raise JournalError(f"{self} is a database, but not a journal; name another file")
        elif mark != MARK:
            create(connection)


def _make_file(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives its side files the same mode."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o600))


def _identity(path: Path) -> tuple[int, int]:
    """Which file the path names now: what is written to one that was removed is lost."""
    found = path.stat()
    return found.st_dev, found.st_ino
