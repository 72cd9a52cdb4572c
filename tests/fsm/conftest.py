"""What the tests of runs share: a clock to turn, journals, and runs that keep the rules."""

from __future__ import annotations

import contextlib
import gc
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import states
from fsm import MemoryJournal, Run, Step, TaskRun
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.testing import HandClock
from states import State

from ..postgres import Server, as_libpq


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still at the beginning of 2020."""
    return HandClock()


@pytest.fixture(autouse=True)
def left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test leaves open: Python 3.13 warns of each connection that nobody closed."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connections.append(connect(*args, **kwargs))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    yield
    for connection in connections:
        with contextlib.suppress(sqlite3.Error):  # another thread's, which closes its own
            connection.close()


@pytest.fixture(autouse=True)
def strangers() -> Iterator[None]:
    """Let the state classes that a test declares go with it: others count the family."""
    known = len(State.children())
    yield
    if len(State.children()) != known:
        gc.collect()


@pytest.fixture(scope="session")
def shared_database(postgres: Server) -> Iterator[str]:
    """One database for all tests of this process that do not spoil it: see `empty_database`."""
    url = postgres.fresh()
    SQLJournal(url).close()
    yield url
    postgres.start()
    postgres.drop(url)


@pytest.fixture
def empty_database(shared_database: str) -> str:
    """The URL of a database with an empty journal: emptied, at a tenth of the cost of a new one."""
    with psycopg.connect(as_libpq(shared_database)) as connection:
        for table in ("steps", "runs"):  # which refuse to lose a row
            connection.execute(f"ALTER TABLE runstates.{table} DISABLE TRIGGER USER")
        for table in ("outbox", "late", "refusals", "steps", "runs", "edges"):
            connection.execute(f"DELETE FROM runstates.{table}")
        for table in ("steps", "runs"):
            connection.execute(f"ALTER TABLE runstates.{table} ENABLE TRIGGER USER")
    return shared_database


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Each kind of journal in turn, empty."""
    if request.param == "memory":
        kept: Any = MemoryJournal()
    elif request.param == "sqlite":
        kept = SQLiteJournal(tmp_path / "runs.db")
    else:
        kept = SQLJournal(request.getfixturevalue("empty_database"))
    yield kept
    kept.close()


@pytest.fixture
def spoil() -> Callable[..., None]:
    """Change a file as nobody should: its rules are taken out before, and put back afterwards."""

    def change(path: Path | str, sql: str, *values: Any, checks: bool = False) -> None:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"PRAGMA ignore_check_constraints = {not checks}")
        rules = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        with connection:
            for name, _ in rules:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(sql, values)
            for _, rule in rules:
                connection.execute(rule)
        connection.close()

    return change


@pytest.fixture
def written() -> Callable[[Step], Any]:
    """All that a step says, message and context included: `==` of states looks at less."""

    def as_text(step: Step) -> Any:
        source, dest = states.dumps(step.source), states.dumps(step.dest)
        return (step.run, step.seq, step.event, step.micros, source, dest, step.settings)

    return as_text


@pytest.fixture
def obeys(written: Callable[[Step], Any]) -> Callable[[Run], None]:
    """The check of the house rules on a run."""

    def check(run: Run) -> None:
        history = run.history
        assert [step.seq for step in history] == list(range(1, len(history) + 1))
        assert {step.run for step in history} <= {run.id}
        for before, after in itertools.pairwise(history):
            assert after.source is before.dest
        if history:
            assert run.state is history[-1].dest
        if run.journal is not None and history:
            kept = list(run.journal.steps(run.id))
            assert [written(step) for step in kept] == [written(step) for step in history]

    return check


@pytest.fixture
def run(journal: Any, clock: HandClock, obeys: Callable[[Run], None]) -> Iterator[TaskRun]:
    """A run with two retries, in a journal of each kind; checked against the house rules after."""
    made = TaskRun("run-1", journal=journal, clock=clock, max_retries=2)
    yield made
    obeys(made)


@pytest.fixture
def reach(clock: HandClock) -> Callable[..., TaskRun]:
    """The maker of a run that stands in a state of the class asked for, by way of the table."""
    ways = {
        "Pending": (),
        "Scheduled": ("schedule",),
        "Paused": ("pause",),
        "Resume": ("pause", "resume"),
        "Retrying": ("start", "fail", "retry"),
        "ClientFailed": ("fail_client",),
        "Submitted": ("submit",),
        "Queued": ("queue",),
        "Running": ("start",),
        "Finished": ("start", "finish"),
        "Looped": ("start", "loop"),
        "Success": ("start", "succeed"),
        "Cached": ("start", "succeed", "cache"),
        "Mapped": ("map",),
        "Skipped": ("skip",),
        "Cancelled": ("cancel",),
        "Failed": ("start", "fail"),
        "TimedOut": ("start", "time_out"),
        "TriggerFailed": ("fail_trigger",),
        "ValidationFailed": ("start", "fail_validation"),
    }

    def make(name: str, **settings: Any) -> TaskRun:
        made = TaskRun(clock=clock, **{"max_retries": 2, **settings})
        for event in ways[name]:
            made.trigger(event)
        assert type(made.state).__name__ == name
        return made

    return make
