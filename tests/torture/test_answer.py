"""The wire to PostgreSQL is cut, in an answer or around it: there is never a second step."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm import JournalError, TaskRun
from fsm.errors import JournalUncertain, UnknownRun
from fsm.journal.postgres.journal import SQLJournal
from fsm.operations import verify

from .wire import Cut, Request, Wire


@pytest.fixture
def wire(database: str) -> Iterator[Wire]:
    with (
        tempfile.TemporaryDirectory(prefix="wire-", dir="/tmp") as folder,  # sockets: short paths
        Wire(database, Path(folder)) as wire,
    ):
        yield wire


@pytest.fixture
def journal(wire: Wire) -> Iterator[SQLJournal]:
    with SQLJournal(wire.url, patience=5.0) as journal:
        TaskRun("warm", journal=journal).start()
        yield journal


def talk(wire: Wire, journal: SQLJournal) -> list[Request]:
    """What is asked and answered when a first step is kept."""
    wire.arm()
    TaskRun("uncut", journal=journal).start()
    return wire.record()


def is_commit(request: Request) -> bool:
    return b"COMMIT\0" in request.asked  # not the BEGIN of READ COMMITTED


def attempt(wire: Wire, journal: SQLJournal, run: TaskRun, *cuts: Cut, away: bool = False) -> str:
    """Make a step while the wire is cut; what the journal says became of it, which must be true."""
    wire.arm(*cuts, stays_away=away)
    try:
        run.once("request", "start")
        said = "kept"
    except JournalUncertain:
        said = "uncertain"
    except JournalError:
        said = "not kept"
    wire.arm()

    there = len(history(journal, run.id))
    assert there in {"kept": {1}, "uncertain": {0, 1}, "not kept": {0}}[said], (said, there, cuts)
    assert len(run.history) == (said == "kept")
    return said


def history(journal: SQLJournal, run: str) -> list[object]:
    try:
        return list(journal.records(run))
    except UnknownRun:
        return []


def settle(journal: SQLJournal, run: TaskRun) -> None:
    """The same request once more: it is the same step."""
    if history(journal, run.id):
        run = TaskRun.restore(run.id, journal)
    run.once("request", "start")

    assert [record.event for record in journal.records(run.id)] == ["start"]
    assert not list(verify(journal))


def test_a_step_is_kept_once_wherever_the_wire_is_cut(wire: Wire, journal: SQLJournal) -> None:
    requests = talk(wire, journal)
    assert sum(map(is_commit, requests)) == 1

    said = {}
    for number, request in enumerate(requests):
        every = range(request.answered + 1) if is_commit(request) else (0, 1, request.answered)
        for answered in (None, *every):
            run = TaskRun(f"r{number}-{answered}", journal=journal)
            said[number, answered] = attempt(wire, journal, run, Cut(number, answered))
            settle(journal, run)

    print(
        f"{len(said)} cuts, {len([each for each in said.values() if each == 'kept'])} kept at once"
    )
    assert set(said.values()) == {"kept"}, "one cut is not enough to be refused"


def test_a_step_is_kept_once_when_the_wire_is_cut_twice(wire: Wire, journal: SQLJournal) -> None:
    requests = talk(wire, journal)
    commit = next(number for number, request in enumerate(requests) if is_commit(request))

    for first in (None, 0):
        for second in itertools.count():
            for answered in (None, 0):
                run = TaskRun(f"r{first}-{second}-{answered}", journal=journal)
                attempt(wire, journal, run, Cut(commit, first), Cut(second, answered))
                unmet = wire.unmet
                settle(journal, run)
            if unmet:  # it was done before there were so many requests
                break
        assert second > len(requests), "the second cut is never met"


@pytest.mark.parametrize("answered", [None, 0, 7, 12])
def test_what_is_uncertain_is_settled_by_restoring(
    wire: Wire, journal: SQLJournal, answered: int | None
) -> None:
    requests = talk(wire, journal)
    commit = next(number for number, request in enumerate(requests) if is_commit(request))
    journal._patience = 0.2

    run = TaskRun("r", journal=journal)
    said = attempt(wire, journal, run, Cut(commit, answered), away=True)

    assert said == "uncertain"
    settle(journal, run)
