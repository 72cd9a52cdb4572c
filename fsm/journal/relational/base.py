"""RowJournal: a journal in a relational database, in the SQL that all of them understand."""

from __future__ import annotations

import abc
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from fsm.errors import UnknownRun
from fsm.journal.base import Journal
from fsm.journal.claims import Claim
from fsm.journal.late import Late
from fsm.journal.mapped import ChildRow
from fsm.journal.records import Record, read
from fsm.journal.redaction import Redaction
from fsm.journal.summary import Summary
from fsm.journal.traffic import Stay, Traffic
from fsm.journal.wanted import Wanted
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states.codec import limits

from . import statements as sql
from .inserts import late_row

__all__ = ["RowJournal"]


class RowJournal(Journal):
    """A journal in a relational database; each says how it is asked, and how steps are written."""

    message: ClassVar[str]  # how the database looks the message up in a payload
    names: ClassVar[str]  # how the database reads a list of `:names` in JSON
    locking: ClassVar[str]  # how it picks rows to claim, if others pick at the same time

    _redaction: Redaction | None

    def steps(self, run: str) -> Iterator[Step]:
        """The history of a run, oldest step first; see `Journal.steps`."""
        return read(self.records(run), self._child_rows)

    def records(self, run: str) -> Iterator[Record]:
        """The history of a run, written out; see `Journal.records`."""
        page = self._page(run, 0)
        if not page:
            raise UnknownRun(run, self)
        return self._paged(run, page)

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept."""
        wanted = Record.of(step, None, self._redaction, self._child_rows)
        place = {"run": step.run, "seq": step.seq}
        rows = self._ask(f"read run {step.run!r}", sql.STEP, place)
        return bool(rows) and Record(*rows[0])._replace(epoch=None) == wanted

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep that an attempt was refused; its reason is redacted as payloads are."""
        given = refusal._asdict()
        if self._redaction is not None:
            given["reason"] = self._redaction.text(refusal.reason)
        self._change(f"note a refusal of run {refusal.run!r}", sql.INSERT_REFUSAL, given)

    def set_aside(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        row = late_row(step, claim, reason, self._redaction)
        self._change(f"set {step!r} of run {step.run!r} aside", sql.INSERT_LATE, row._asdict())

    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Who is still to be told of which step."""
        return (tuple(row) for row in self._ask("read the outbox", sql.OUTBOX, {}))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Note that a listener has been told."""
        given = {"run": run, "seq": seq, "listener": listener}
        self._change(f"note that {listener} was told", sql.MARK_DELIVERED, given)

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """The edges that runs of this class may take."""
        return {tuple(row) for row in self._ask("read the edges", sql.EDGES, {"kind": kind})}

    def faults(self) -> Iterator[str]:
        """What is wrong with the database and its rules, and steps without a run."""
        yield from self._spoilt()
        for (run,) in self._ask("look for steps without a run", sql.ORPHANS, {}):
            yield f"run {run!r} has steps, but no row"

    def _page(self, run: object, after: int) -> list[Any]:
        if not isinstance(run, str) or not limits.is_clean(run):  # no database can look it up
            return []
        return self._ask(f"read run {run!r}", sql.STEPS, {"run": run, "after": after})

    def _paged(self, run: str, page: list[Any]) -> Iterator[Record]:
        while page:
            yield from (Record(*row) for row in page)
            page = self._page(run, page[-1][1]) if len(page) == sql.PAGE else []

    def _child_rows(self, run: str, bare: Collection[str]) -> Iterator[ChildRow]:
        statement, names = sql.CHILDREN.replace("{names}", self.names), json.dumps(list(bare))
        after, more = -1, True
        while more:
            given = {"run": run, "after": after, "names": names}
            page = self._ask(f"read the children of {run!r}", statement, given)
            yield from ((state, payload) for _, state, payload in page)
            more = len(page) == sql.PAGE
            after = page[-1][0] if page else after

    def _refusals_of(self, run: str | None) -> Iterator[Refusal]:
        statement = sql.of_run(sql.REFUSALS, run)
        rows = self._ask("read what was refused", statement, {} if run is None else {"run": run})
        return (Refusal(*row) for row in rows)

    def _came_late(self, run: str | None) -> Iterator[Late]:
        statement = sql.of_run(sql.LATE, run)
        rows = self._ask("read what came late", statement, {} if run is None else {"run": run})
        return (Late(*row) for row in rows)

    def _summaries(self, wanted: Wanted) -> Iterator[Summary]:
        last: Summary | None = None
        while True:
            statement, given = sql.summaries(wanted, self.message, last)
            page = [self._summary(row) for row in self._ask("list the runs", statement, given)]
            yield from page
            if len(page) < sql.PAGE:
                return
            last = page[-1]

    def _traffic(self, kind: str | None) -> Traffic:
        """Counted by the database: there may be millions of steps."""
        stays: dict[str, Stay] = {}
        ways: dict[tuple[str, str, str], int] = {}
        for source, event, dest, *counted in self._ask(
            "count the steps", sql.TRAFFIC, {"kind": kind}
        ):
            steps, runs, since, ended, micros = (each and int(each) for each in counted)
            ways[source, event, dest] = steps
            before = stays.get(dest, Stay())
            came = [each for each in (before.since, since) if each is not None]
            stays[dest] = Stay(
                before.runs + runs,
                min(came, default=None),
                before.ended + ended,
                before.micros + micros,
            )
        return Traffic(stays, ways)

    def _claim(
        self,
        limit: int,
        owner: str,
        now: int,
        until: int,
        run: str | None,
        kinds: tuple[str, ...] | None,
    ) -> list[tuple[str, int]]:
        given: dict[str, Any] = {"owner": owner, "now": now, "until": until}
        given |= {"limit": limit} if run is None else {"run": run}
        given |= {} if kinds is None else {"names": json.dumps(kinds)}
        statement = sql.claiming(run is not None, kinds is not None)
        statement = statement.replace("{locked}", self.locking).replace("{names}", self.names)
        rows = self._change("claim runs", statement, given)
        return [(id, epoch) for id, epoch, _ in sorted(rows, key=lambda row: (row[2] or 0, row[0]))]

    def _renew(self, run: str, epoch: int, until: int) -> bool:
        given = {"run": run, "epoch": epoch, "until": until}
        return bool(self._change(f"renew the lease of {run!r}", sql.RENEW, given))

    def _free(self, run: str, epoch: int) -> bool:
        return bool(self._change(f"release {run!r}", sql.FREE, {"run": run, "epoch": epoch}))

    def _revoke(self, run: str, owner: str, now: int) -> bool:
        given = {"run": run, "owner": owner, "now": now}
        return bool(self._change(f"revoke the claim on {run!r}", sql.REVOKE, given))

    # How a database is asked.

    @abc.abstractmethod
    def _ask(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        """The rows that a reading statement finds."""

    @abc.abstractmethod
    def _change(self, what: str, statement: str, given: Mapping[str, Any]) -> list[Any]:
        """Carry out a writing statement, in a transaction of its own; the rows that it returns."""

    @abc.abstractmethod
    def _spoilt(self) -> Iterator[str]:
        """What the database finds wrong with itself, and which of our rules are not there."""

    def _summary(self, row: Any) -> Summary:
        return Summary(*row)
