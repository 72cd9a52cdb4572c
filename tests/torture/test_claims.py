"""Processes race: each run has one winner, and a file is made once."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from fsm import TaskRun, open_journal
from fsm.journal.relational.inserts import edge_rows

from .checking import check
from .child import Child
from .counts import times

PROCESSES, RUNS = 8, 1_000


def race(url: str, without: str | None = None) -> Counter[str]:
    """Let processes claim all the runs there are; how often each was claimed."""
    said = at_once("racer", url, without)

    assert not [line for line in said if line[0] == "error"], said
    assert said.count(["done"]) == PROCESSES
    return Counter(line[1] for line in said if line[0] == "claimed")


def at_once(what: str, url: str, without: str | None = None) -> list[list[object]]:
    """Run as many workers, and let them go when all are ready; what they say."""
    given = () if without is None else (without,)
    with ExitStack() as stack:
        children = [stack.enter_context(Child(what, url, *given)) for _ in range(PROCESSES)]
        for child in children:
            child.expect("ready")
        for child in children:
            child.tell("go")
        return [line for child in children for line in child.rest()]


def prepare(url: str) -> set[str]:
    """Make runs that are due to be started."""
    runs = [TaskRun(f"r{number}") for number in range(RUNS)]
    for run in runs:
        run.schedule()
    with open_journal(url) as journal:
        journal.extend([run.history[0] for run in runs], TaskRun)
    return {run.id for run in runs}


@pytest.mark.parametrize("number", range(times("races")))
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_each_run_is_claimed_by_one_process(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, number: int
) -> None:
    url = str(tmp_path / "r.db") if store == "sqlite" else request.getfixturevalue("database")
    runs = prepare(url)

    claimed = race(url)

    assert claimed == dict.fromkeys(runs, 1)
    with open_journal(url) as journal:
        check(journal, ())
        assert {(summary.epoch, summary.phase) for summary in journal.runs()} == {(1, "waiting")}


def opened_at_once(url: str, without: str | None = None) -> None:
    """Let processes make one journal, all at the same time, and keep a step each."""
    said = at_once("opener", url, without)

    assert said == [["opened"]] * PROCESSES, said
    with open_journal(url) as journal:
        check(journal, ())
        assert len(list(journal.runs())) == PROCESSES


@pytest.mark.parametrize("number", range(times("races")))
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_journal_is_made_once_by_many_processes(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, number: int
) -> None:
    url = str(tmp_path / "r.db") if store == "sqlite" else request.getfixturevalue("database")

    opened_at_once(url)


def test_all_processes_write_the_edges_in_one_order() -> None:
    """Of two that do not, each waits for the other: a deadlock."""
    rows = [tuple(row.values()) for row in edge_rows(TaskRun.lifecycle)]

    assert rows == sorted(rows)
