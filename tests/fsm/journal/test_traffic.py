"""Traffic: each store counts runs by state, their stays, and steps by edge."""

from __future__ import annotations

from typing import Any

import pytest

from fsm import TaskRun
from fsm.errors import InvalidArgument
from fsm.journal.traffic import Stay, Traffic
from fsm.testing import HandClock

SECOND = 1_000_000


class NightlyRun(TaskRun):
    """A kind of its own."""


def tried_twice(name: str, journal: Any, clock: HandClock, cls: type[TaskRun] = TaskRun) -> None:
    run = cls(name, journal=journal, clock=clock, max_retries=1)
    run.submit()
    clock.advance(seconds=2)
    run.start()
    clock.advance(seconds=5)
    run.fail()
    run.retry()
    clock.advance(seconds=1)
    run.start()
    clock.advance(seconds=7)


def test_an_empty_journal_has_no_traffic(journal: Any) -> None:
    assert journal.traffic() == Traffic({}, {})
    assert journal.traffic().runs == 0


def test_stays_and_steps_are_counted(journal: Any, clock: HandClock) -> None:
    began = clock()
    tried_twice("a", journal, clock)
    tried_twice("b", journal, clock)
    TaskRun.restore("a", journal, clock=clock).succeed()

    traffic = journal.traffic()

    assert traffic.runs == 2
    assert traffic.stays["Submitted"] == Stay(ended=2, micros=4 * SECOND)
    assert traffic.stays["Failed"] == Stay(ended=2, micros=0)
    came = began.add(seconds=15 + 8)
    assert traffic.stays["Running"] == Stay(
        1, round(came.timestamp()) * SECOND, 3, (5 + 5 + 22) * SECOND
    )
    assert traffic.stays["Success"].runs == 1
    assert traffic.steps == {
        ("Pending", "submit", "Submitted"): 2,
        ("Submitted", "start", "Running"): 2,
        ("Running", "fail", "Failed"): 2,
        ("Failed", "retry", "Retrying"): 2,
        ("Retrying", "start", "Running"): 2,
        ("Running", "succeed", "Success"): 1,
    }


def test_a_stay_has_a_mean_when_one_has_ended() -> None:
    assert Stay(runs=3).mean is None
    assert Stay(ended=2, micros=5).mean == 2.5


def test_kinds_are_counted_apart(journal: Any, clock: HandClock) -> None:
    tried_twice("a", journal, clock)
    tried_twice("b", journal, clock, NightlyRun)

    assert journal.traffic(NightlyRun).runs == 1
    assert journal.traffic(TaskRun).runs == 1
    assert journal.traffic().runs == 2
    with pytest.raises(InvalidArgument):
        journal.traffic(7)
    assert journal.traffic("fsm:TaskRun").runs == 1
    assert journal.traffic("nowhere:Run").runs == 0


def test_a_clock_that_was_set_back_makes_no_stay_shorter_than_nothing(
    journal: Any, clock: HandClock
) -> None:
    run = TaskRun("a", journal=journal, clock=clock)
    run.start()
    clock.jump(hours=-1)
    run.succeed()

    assert journal.traffic().stays["Running"] == Stay(ended=1, micros=0)
