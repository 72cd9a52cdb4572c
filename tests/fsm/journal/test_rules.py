"""Rules: what both databases refuse by themselves, whichever program writes."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import attrs
import psycopg
import pytest

from fsm import JournalError, StaleRun, Step, TaskRun, event
from fsm.journal import Journal
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal
from states import Failed, Pending, Retrying, Running, Success

from ...postgres import as_libpq

TAKEN = "taken"
Row = tuple[str, int, str, str, str]  # run, seq, event, source and dest
COLUMNS = "run, seq, event, source, dest, micros, payload, origin, phase"


class Raw(Protocol):
    """Writes past the journal: each statement is tried, and rolled back."""

    def answers(self, rows: list[Row]) -> list[str]:
        """What the database says to each of these steps."""
        ...

    def answer(self, statement: str) -> str:
        """What it says to a statement."""
        ...


class RawSQLite(Raw):
    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)

    def answers(self, rows: list[Row]) -> list[str]:
        insert = f"INSERT INTO steps ({COLUMNS}) VALUES (?, ?, ?, ?, ?, 0, '{{}}', NULL, 'other')"
        return [self._tried(insert, row) for row in rows]

    def answer(self, statement: str) -> str:
        return self._tried(statement, ())

    def _tried(self, statement: str, row: tuple[Any, ...]) -> str:
        self.connection.execute("BEGIN")
        try:
            changed = self.connection.execute(statement, row).rowcount
        except sqlite3.IntegrityError as error:
            return str(error)
        else:
            return TAKEN if changed else "nothing changed"
        finally:
            self.connection.execute("ROLLBACK")


class RawPostgres(Raw):
    TRIED = f"""
    CREATE FUNCTION pg_temp.tried(run TEXT, seq BIGINT, event TEXT, source TEXT, dest TEXT)
    RETURNS TEXT LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO runstates.steps ({COLUMNS})
        VALUES (run, seq, event, source, dest, 0, '{{}}', NULL, 'other');
        RAISE integrity_constraint_violation USING MESSAGE = '{TAKEN}';  -- and undone
    EXCEPTION WHEN integrity_constraint_violation THEN RETURN SQLERRM;
    END $$
    """

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(as_libpq(url))
        self.connection.execute("SET search_path TO runstates")
        self.connection.execute(self.TRIED)
        self.connection.commit()

    def answers(self, rows: list[Row]) -> list[str]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        found = self.connection.execute(
            "SELECT pg_temp.tried(run, seq, event, source, dest) FROM unnest("
            "%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[]"
            ") AS rows (run, seq, event, source, dest)",
            columns,
        ).fetchall()
        self.connection.rollback()
        return [said for (said,) in found]

    def answer(self, statement: str) -> str:
        try:
            return TAKEN if self.connection.execute(statement).rowcount else "nothing changed"
        except psycopg.Error as error:
            return str(error)
        finally:
            self.connection.rollback()


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[Journal, Raw]]:
    """A journal in a database, and a connection past it."""
    journal: Journal
    raw: Any
    if request.param == "sqlite":
        journal, raw = SQLiteJournal(path), RawSQLite(path)
    else:
        url = request.getfixturevalue("empty_database")
        journal, raw = SQLJournal(url), RawPostgres(url)
    yield journal, raw
    raw.connection.close()
    journal.close()


def test_the_database_refuses_every_edge_that_the_lifecycle_lacks(
    both: tuple[Journal, Raw], reach: Callable[..., TaskRun]
) -> None:
    journal, raw = both
    edges = journal_edges(TaskRun)
    nodes = sorted(node.__name__ for node in TaskRun.lifecycle.nodes)
    events = sorted(TaskRun.lifecycle.events)
    legal, illegal = [], []
    for name in nodes:
        run = reach(name, id=f"in {name}", journal=journal)
        if not run.history:
            continue  # it begins there, and nothing is kept of it yet
        for said, dest in itertools.product(events, nodes):
            row = (run.id, len(run.history) + 1, said, name, dest)
            (legal if (name, said, dest) in edges else illegal).append(row)
    before = list(journal.runs())

    assert len(illegal) > 8_000
    assert set(raw.answers(illegal)) <= {"fsm: no such edge"}
    assert set(raw.answers(legal)) == {TAKEN}
    assert list(journal.runs()) == before


def journal_edges(of: type[TaskRun]) -> set[tuple[str, str, str]]:
    return {(edge.source.__name__, edge.event, edge.dest.__name__) for edge in of.lifecycle.edges}


def test_the_database_refuses_every_step_of_a_finished_run(both: tuple[Journal, Raw]) -> None:
    journal, raw = both
    run = TaskRun("r", journal=journal)
    run.cancel()

    dests = sorted(node.__name__ for node in TaskRun.lifecycle.nodes)
    rows = [("r", 2, event, "Cancelled", d) for event in TaskRun.lifecycle.events for d in dests]
    lies = [("r", 2, "start", source, "Running") for source in dests if source != "Cancelled"]

    assert set(raw.answers(rows)) == {"fsm: no such edge"}
    assert set(raw.answers(lies)) == {"fsm: stale"}
    assert journal.summary("r").state == "Cancelled"


@pytest.fixture
def kept(both: tuple[Journal, Raw]) -> Raw:
    """A connection past a journal, which has a run of two steps that was claimed twice."""
    journal, raw = both
    run = TaskRun("r", journal=journal)
    run.start()
    journal.claim(run="r", owner="a")[0].release()
    TaskRun.restore("r", journal.claim(run="r", owner="b")[0]).fail()
    return raw


STEP = f"INSERT INTO steps ({COLUMNS}, epoch) VALUES"
MISDEEDS = {
    "a step changed": ("UPDATE steps SET payload = '{}'", "a step is never changed"),
    "one step changed": ("UPDATE steps SET micros = 1 WHERE seq = 2", "a step is never changed"),
    "a step removed": ("DELETE FROM steps WHERE seq = 2", "never"),
    "steps removed": ("DELETE FROM steps", "never"),
    "a run removed": ("DELETE FROM runs", "a run is never removed"),
    "a state changed": ("UPDATE runs SET state = 'Success'", "a run is what its steps say"),
    "steps counted anew": ("UPDATE runs SET version = 1", "a run is what its steps say"),
    "a run renamed": ("UPDATE runs SET id = 'x'", "a run is what its steps say"),
    "a class changed": ("UPDATE runs SET kind = ''", "a run is what its steps say"),
    "a claim undone": ("UPDATE runs SET epoch = epoch - 1", "an epoch never goes back"),
    "a run from nowhere": (
        "INSERT INTO runs (id, kind, state, phase, version, began, moved) "
        "VALUES ('x', '', 'Success', 'finished', 3, 0, 0)",
        "a run begins without steps",
    ),
    "a step of no run": (
        f"{STEP} ('x', 1, 'e', 's', 'd', 0, '{{}}', '{{}}', 'other', NULL)",
        "unknown run",
    ),
    "a gap": (
        f"{STEP} ('r', 4, 'retry', 'Failed', 'Retrying', 0, '{{}}', NULL, 'waiting', NULL)",
        "stale",
    ),
    "a fork": (
        f"{STEP} ('r', 2, 'succeed', 'Running', 'Success', 0, '{{}}', NULL, 'finished', NULL)",
        "stale",
    ),
    "an old claim": (
        f"{STEP} ('r', 3, 'retry', 'Failed', 'Retrying', 0, '{{}}', NULL, 'waiting', 1)",
        "fenced",
    ),
    "a claim to come": (
        f"{STEP} ('r', 3, 'retry', 'Failed', 'Retrying', 0, '{{}}', NULL, 'waiting', 9)",
        "fenced",
    ),
    "a phase of its own": (
        f"{STEP} ('r', 3, 'retry', 'Failed', 'Retrying', 0, '{{}}', NULL, 'asleep', NULL)",
        "check",
    ),
    "a payload that is no JSON": (
        f"{STEP} ('r', 3, 'retry', 'Failed', 'Retrying', 0, '{{', NULL, 'waiting', NULL)",
        "json",
    ),
    "a kind of 201 characters": (
        "INSERT INTO runs (id, kind, state, phase, version, began, moved) "
        f"VALUES ('x', '{'k' * 201}', 'Pending', 'waiting', 0, 0, 0)",
        "check",
    ),
    "an edge of 201 characters": (
        f"INSERT INTO edges VALUES ('k', 'Pending', '{'e' * 201}', 'Running')",
        "check",
    ),
    "a refusal of 201 characters": (
        "INSERT INTO refusals (run, seq, event, state, micros, reason) "
        f"VALUES ('r', 2, '{'e' * 201}', 'Failed', 0, '')",
        "check",
    ),
    "an owner without a lease": ("UPDATE runs SET owner = 'x', lease = NULL", "check"),
    "a lease beyond time": ("UPDATE runs SET lease = 1000000000000000000", "check"),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_the_database_refuses_what_would_corrupt_a_journal(misdeed: str, kept: Raw) -> None:
    statement, said = MISDEEDS[misdeed]

    assert said in kept.answer(statement).lower()


def test_an_edge_that_the_lifecycle_lacks_is_refused_by_name(
    both: tuple[Journal, Raw], step: Callable[..., Step]
) -> None:
    journal, _ = both

    with pytest.raises(JournalError) as caught:
        journal.append(step(event="succeed", dest=Success()), TaskRun)

    assert str(caught.value) == (
        "cannot keep step 1 of run 'r': the edge succeed from Pending to Success is not one of the "
        f"lifecycle {TaskRun.lifecycle.kind} in this journal; declare it in that class, and pass "
        "the class to append()"
    )
    assert list(journal.runs()) == []


def test_an_edge_that_is_declared_later_is_accepted_with_its_class(
    both: tuple[Journal, Raw], step: Callable[..., Step]
) -> None:
    journal, _ = both

    class Later(TaskRun):
        __module__, __qualname__ = TaskRun.__module__, TaskRun.__qualname__
        jump = event(Success, source=Running)

    journal.append(step(), TaskRun)
    jump = step(seq=2, event="jump", dest=Success())
    with pytest.raises(JournalError, match="declare it in that class, and pass the class"):
        journal.append(jump, TaskRun)

    journal.append(jump, Later)

    assert journal.summary("r").state == "Success"


def test_a_step_without_a_class_is_held_against_the_class_of_its_run(
    both: tuple[Journal, Raw], step: Callable[..., Step]
) -> None:
    journal, _ = both
    journal.append(step(), TaskRun)

    with pytest.raises(JournalError, match="start from Running to Success is not one of"):
        journal.append(step(seq=2, event="start", dest=Success()))

    assert journal.summary("r").steps == 1


@attrs.frozen
class Shelved(Failed):
    """Failed, and not to be touched."""

    reason: str = ""


class Careful(TaskRun):
    quarantine = event(Shelved, source=Failed)
    release = event(Retrying, source=Shelved)


def test_a_subclass_brings_its_edges_to_a_journal_that_knew_the_old_table(
    both: tuple[Journal, Raw],
) -> None:
    journal, raw = both
    TaskRun("old", journal=journal).fail()

    run = Careful("new", journal=journal)
    run.fail()
    run.quarantine(reason="odd")
    run.release()

    assert [type(step.dest) for step in Careful.restore("new", journal).history] == [
        Failed, Shelved, Retrying,
    ]  # fmt: skip
    assert raw.answers([("old", 2, "quarantine", "Failed", "Shelved")]) == ["fsm: no such edge"]
    assert journal.edges("fsm:TaskRun") == journal_edges(TaskRun)


def test_classes_of_one_name_in_two_modules_have_their_own_edges(both: tuple[Journal, Raw]) -> None:
    journal, raw = both
    short = type("Twin", (TaskRun,), {"__module__": "one", "cancel": None})
    long = type("Twin", (TaskRun,), {"__module__": "two"})

    short("a", journal=journal).start()
    long("b", journal=journal).start()

    assert raw.answers([(run, 2, "cancel", "Running", "Cancelled") for run in ("a", "b")]) == [
        "fsm: no such edge",
        TAKEN,
    ]
    assert [run.kind for run in journal.runs(state="Running")] == ["one:Twin", "two:Twin"]


def test_a_request_has_one_step_in_a_run(
    both: tuple[Journal, Raw], step: Callable[..., Step]
) -> None:
    journal, _ = both
    journal.append(step()._replace(key="k"))
    journal.append(step("other")._replace(key="k"))

    with pytest.raises(StaleRun, match="made before, for the request 'k'"):
        journal.append(step(seq=2)._replace(key="k"))

    assert [kept.key for kept in journal.steps("r")] == ["k"]


def test_a_run_without_a_class_may_take_every_edge(
    both: tuple[Journal, Raw], step: Callable[..., Step]
) -> None:
    journal, _ = both

    journal.append(step())
    journal.append(Step("r", 2, "jump", Running(), Pending(), 0))

    assert journal.summary("r").kind == ""
    assert journal.summary("r").state == "Pending"
