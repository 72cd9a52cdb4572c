"""RelationalJournal: a journal in a relational database."""

from __future__ import annotations

import abc
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from fsm.errors import UnknownRun
from fsm.journal.arguments import check_names
from fsm.journal.base import Journal
from fsm.journal.claims import Claim
from fsm.journal.mapped import ChildRow
from fsm.journal.queries import RunFilter
from fsm.journal.records import LateResult, Record, Summary, read_steps
from fsm.journal.redaction import Redaction
from fsm.journal.traffic import Stay, Traffic
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.states.codec import limits

from . import statements as sql
from .kinds import current_kind, names_of_kind

__all__ = ["RelationalJournal"]


class RelationalJournal(Journal):
    """A journal in a relational database, by the SQL that both databases understand.

    Subclasses say how to reach the database and how to write steps.
    """

    message: ClassVar[str]  # how the database reads the message in a payload
    names: ClassVar[str]  # how the database reads the parameter `names`, a list in JSON
    locking: ClassVar[str]  # how it picks rows to claim while others pick at the same time

    _redaction: Redaction | None

    def steps(self, run: str) -> Iterator[Step]:
        """Yield the history of a run, oldest step first; see `Journal.steps`."""
        return read_steps(self.records(run), self._child_rows)

    def records(self, run: str) -> Iterator[Record]:
        """Yield the history of a run, written out; see `Journal.records`."""
        page = self._page(run, 0)
        if not page:
            raise UnknownRun(run, self)
        return self._read_pages(run, page)

    def holds(self, step: Step) -> bool:
        """Whether exactly this step is kept."""
        record = Record.of(step, None, self._redaction, self._child_rows)
        place = {"run": step.run, "seq": step.seq}
        rows = self._query(f"read run {step.run!r}", sql.STEP, place)
        return bool(rows) and Record(*rows[0])._replace(epoch=None) == record

    def note_refusal(self, refusal: Refusal) -> None:
        """Keep the record of a refused attempt; its reason is redacted as payloads are."""
        check_names(refusal.state, refusal.event)
        row = refusal._asdict()
        if self._redaction is not None:
            row["reason"] = self._redaction.text(refusal.reason)
        self._execute(f"note a refusal of run {refusal.run!r}", sql.INSERT_REFUSAL, row)

    def add_late_result(self, step: Step, claim: Claim, reason: str) -> None:
        """Keep a step that came too late, apart from the history."""
        late = LateResult.of(step, claim.epoch, claim.owner, reason, self._redaction)
        action = f"keep the late result {step!r} of run {step.run!r}"
        self._execute(action, sql.INSERT_LATE, late._asdict())

    def outbox(self) -> Iterator[tuple[str, int, str]]:
        """Yield what is still to be delivered: run, seq of the step, name of the listener."""
        return (tuple(row) for row in self._query("read the outbox", sql.OUTBOX, {}))

    def mark_delivered(self, run: str, seq: int, listener: str) -> None:
        """Remove a listener from the outbox: it has received the step."""
        row = {"run": run, "seq": seq, "listener": listener}
        self._execute(f"mark the delivery to {listener}", sql.MARK_DELIVERED, row)

    def edges(self, kind: str) -> set[tuple[str, str, str]]:
        """Return the edges that runs of this kind may take."""
        statement = sql.EDGES.replace("{names}", self.names)
        names = json.dumps(names_of_kind(kind))
        return {tuple(row) for row in self._query("read the edges", statement, {"names": names})}

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the database and its rules, and steps without a run."""
        yield from self._database_faults()
        for (run,) in self._query("look for steps without a run", sql.ORPHANS, {}):
            yield f"run {run!r} has steps, but no row"

    def _page(self, run: object, after: int) -> list[Any]:
        if not isinstance(run, str) or not limits.is_clean(run):  # no database can look it up
            return []
        return self._query(f"read run {run!r}", sql.STEPS, {"run": run, "after": after})

    def _read_pages(self, run: str, page: list[Any]) -> Iterator[Record]:
        while page:
            yield from (Record(*row) for row in page)
            page = self._page(run, page[-1][1]) if len(page) == sql.PAGE else []

    def _child_rows(self, run: str, unwanted: Collection[str]) -> Iterator[ChildRow]:
        """Read the children of a run, without the payloads of these states."""
        statement, names = sql.CHILDREN.replace("{names}", self.names), json.dumps(list(unwanted))
        after, more = -1, True
        while more:
            parameters = {"run": run, "after": after, "names": names}
            page = self._query(f"read the children of {run!r}", statement, parameters)
            yield from ((state, payload) for _, state, payload in page)
            more = len(page) == sql.PAGE
            after = page[-1][0] if page else after

    def _refusals_of(self, run: str | None) -> Iterator[Refusal]:
        statement = sql.for_run(sql.REFUSALS, run)
        rows = self._query("read the refusals", statement, {} if run is None else {"run": run})
        return (Refusal(*row) for row in rows)

    def _late_results(self, run: str | None) -> Iterator[LateResult]:
        statement = sql.for_run(sql.LATE_RESULTS, run)
        rows = self._query("read the late results", statement, {} if run is None else {"run": run})
        return (LateResult(*row) for row in rows)

    def _summaries(self, wanted: RunFilter) -> Iterator[Summary]:
        last: Summary | None = None
        while True:
            statement, parameters = sql.summaries(wanted, self.message, last)
            rows = self._query("list the runs", statement, parameters)
            page = [self._summary(row) for row in rows]
            yield from page
            if len(page) < sql.PAGE:
                return
            last = page[-1]

    def _traffic(self, kind: str | None) -> Traffic:
        """Counted by the database: there may be millions of steps."""
        stays: dict[str, Stay] = {}
        steps_by_edge: dict[tuple[str, str, str], int] = {}
        statement = sql.for_kinds(sql.TRAFFIC, kind is not None).replace("{names}", self.names)
        names = {} if kind is None else {"names": json.dumps(names_of_kind(kind))}
        for source, event, dest, *counts in self._query("count the steps", statement, names):
            steps, runs, since, ended, micros = (each and int(each) for each in counts)
            steps_by_edge[source, event, dest] = steps
            before = stays.get(dest, Stay())
            arrivals = [each for each in (before.since, since) if each is not None]
            stays[dest] = Stay(
                before.runs + runs,
                min(arrivals, default=None),
                before.ended + ended,
                before.micros + micros,
            )
        return Traffic(stays, steps_by_edge)

    def _claim(
        self,
        limit: int,
        owner: str,
        now: int,
        until: int,
        run: str | None,
        kinds: tuple[str, ...] | None,
    ) -> list[tuple[str, int]]:
        parameters: dict[str, Any] = {"owner": owner, "now": now, "until": until}
        parameters |= {"limit": limit} if run is None else {"run": run}
        parameters |= {} if kinds is None else {"names": json.dumps(kinds)}
        statement = sql.claim(run is not None, kinds is not None)
        statement = statement.replace("{locked}", self.locking).replace("{names}", self.names)
        rows = self._execute("claim runs", statement, parameters)
        return [(id, epoch) for id, epoch, _ in sorted(rows, key=lambda row: (row[2] or 0, row[0]))]

    def _renew(self, run: str, epoch: int, until: int) -> bool:
        parameters = {"run": run, "epoch": epoch, "until": until}
        return bool(self._execute(f"renew the lease of {run!r}", sql.RENEW, parameters))

    def _release(self, run: str, epoch: int) -> bool:
        parameters = {"run": run, "epoch": epoch}
        return bool(self._execute(f"release {run!r}", sql.RELEASE, parameters))

    def _revoke(self, run: str, owner: str, now: int) -> bool:
        parameters = {"run": run, "owner": owner, "now": now}
        return bool(self._execute(f"revoke the claim on {run!r}", sql.REVOKE, parameters))

    # How the database is reached.

    @abc.abstractmethod
    def _query(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a reading statement; return its rows. *action* is for the error."""

    @abc.abstractmethod
    def _execute(self, action: str, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a writing statement in a transaction of its own; return its rows."""

    @abc.abstractmethod
    def _database_faults(self) -> Iterator[str]:
        """Yield what the database finds wrong with itself, and which of our rules are missing."""

    def _summary(self, row: Any) -> Summary:
        summary = Summary(*row)
        kind = current_kind(summary.kind)
        return summary if kind == summary.kind else attrs.evolve(summary, kind=kind)
