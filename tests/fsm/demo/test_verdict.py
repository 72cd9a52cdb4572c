"""The verdict: what of a generation was lost, retried, rescued and refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm import Journal, StaleRun, TaskRun, open_journal
from fsm.demo.pipeline import DemoRun
from fsm.demo.verdict import Verdict


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a generation of one run that has finished, and one of others."""
    with open_journal(tmp_path / "demo.db") as journal:
        for id in ("demo-1", "demo-11/load"):
            run = DemoRun(id, journal=journal)
            run.start()
            run.succeed()
        yield journal


def test_a_finished_generation_has_lost_nothing(journal: Journal) -> None:
    verdict = Verdict.of("demo-1", journal, 1)

    assert verdict == Verdict(finished=1, lost=0, retried=0, rescued=0, refused=0)
    assert list(verdict.lines()) == [
        "Verdict: 1 runs finished, 0 lost, 0 retried, 0 rescued, 0 refused."
    ]


def test_a_run_that_has_not_finished_is_lost(journal: Journal) -> None:
    DemoRun("demo-1/load", journal=journal).start()

    assert Verdict.of("demo-1", journal).lost == 1


def test_a_run_that_was_to_be_is_lost(journal: Journal) -> None:
    assert Verdict.of("demo-1", journal, 40).lost == 39


def test_a_run_with_a_gap_is_lost(journal: Journal, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "demo.db") as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("UPDATE runs SET version = 7 WHERE id = 'demo-1'")

    verdict = Verdict.of("demo-1", journal)

    assert (verdict.finished, verdict.lost) == (0, 1)
    assert "  run 'demo-1': its row counts 7 steps; the last is step 2" in list(verdict.lines())


def test_retries_are_counted_as_rescues_are(journal: Journal) -> None:
    run = DemoRun("demo-1/load", journal=journal, max_retries=2)
    run.start()
    run.trigger("rescue")
    run.start()
    for _ in range(2):
        run.fail()
        run.retry()
        run.start()
    run.succeed()

    verdict = Verdict.of("demo-1", journal)

    assert (verdict.finished, verdict.retried, verdict.rescued) == (2, 2, 1)


def test_a_result_that_came_late_is_refused(journal: Journal) -> None:
    DemoRun("demo-1/load", journal=journal).start()
    (gone,) = journal.claim(run="demo-1/load", owner="gone")
    late = DemoRun.restore("demo-1/load", gone)
    journal.revoke("demo-1/load", owner="gone")
    (claim,) = journal.claim(run="demo-1/load", owner="other")
    TaskRun.restore("demo-1/load", claim).succeed()
    with pytest.raises(StaleRun):
        late.succeed()

    verdict = Verdict.of("demo-1", journal)

    assert (verdict.finished, verdict.lost, verdict.refused) == (2, 0, 1)
