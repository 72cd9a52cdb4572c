"""Take each safeguard out of the code: the simulation must notice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fsm import MemoryJournal, Retry, Step, TaskRun
from fsm.execution.scheduler import Scheduler
from fsm.journal import Summary
from fsm.journal.queries import JournalQueries
from fsm.states.timing import start_of
from states import State

from ..torture.tampered import Tampered
from .cluster import Cluster
from .day import Day

SEEDS, RUNS = (1, 2, 3), 300


def assert_noticed(what: str, **days: Any) -> None:
    """Assert that one of a few days reports *what*."""
    found: list[str] = []
    for seed in SEEDS:
        found += Day(seed, RUNS, lives=6, **days).live().wrong
        if any(what in each for each in found):
            return
    raise AssertionError(f"not noticed; found only {found[:5]}")


def test_a_retry_that_waits_by_the_wall_clock_alone_is_noticed(monkeypatch: Any) -> None:
    put = Scheduler._set_timer

    def careless(scheduler: Any, job: Any, micros: int, earliest: float) -> None:
        put(scheduler, job, micros, 0.0)

    monkeypatch.setattr(Scheduler, "_set_timer", careless)

    assert_noticed("early by the steady clock")


def test_a_start_before_its_time_is_noticed(monkeypatch: Any) -> None:
    def earlier(state: State) -> Any:
        start = start_of(state)
        return start and start.subtract(seconds=1)

    for module in ("guards", "timers"):
        monkeypatch.setattr(f"fsm.tasks.{module}.start_of", earlier)

    assert_noticed("s early")


def test_a_delay_that_is_too_short_is_noticed(monkeypatch: Any) -> None:
    delay = Retry.delay_before
    monkeypatch.setattr(Retry, "delay_before", lambda *given: 0.9 * delay(*given))

    assert_noticed("waits")


def test_one_retry_too_many_is_noticed(monkeypatch: Any) -> None:
    count = TaskRun.attempts.fget
    assert count is not None
    monkeypatch.setattr(TaskRun, "attempts", property(lambda run: max(count(run) - 1, 0)))

    assert_noticed("retried")


def test_one_rescue_too_many_is_noticed(monkeypatch: Any) -> None:
    monkeypatch.setattr(TaskRun, "rescues", property(lambda run: -1))

    assert_noticed("rescued")


def test_a_success_after_the_deadline_is_noticed(monkeypatch: Any) -> None:
    monkeypatch.setattr(TaskRun, "deadline", property(lambda run: None))

    assert_noticed("after its deadline")


def test_a_time_out_before_the_deadline_is_noticed(monkeypatch: Any) -> None:
    deadline = TaskRun.deadline.fget
    assert deadline is not None

    def earlier(run: TaskRun) -> Any:
        end = deadline(run)
        return end and end.subtract(seconds=1)

    monkeypatch.setattr(TaskRun, "deadline", property(earlier))

    assert_noticed("before its deadline")


def test_a_run_that_is_not_recovered_is_noticed(monkeypatch: Any) -> None:
    recover = JournalQueries.recover

    def some(journal: JournalQueries) -> Iterator[Summary]:
        return (row for row in recover(journal) if row.run[-1] != "7")

    monkeypatch.setattr(JournalQueries, "recover", some)

    assert_noticed("is stuck")


def test_a_step_that_is_lost_is_noticed(monkeypatch: Any) -> None:
    class Forgetful(MemoryJournal):
        def append(self, step: Step, *given: Any, **words: Any) -> None:
            super().append(step, *given, **words)
            if step.run[-1] == "7" and step.seq == 3:
                self._remove(step)

    assert_noticed("the ledger has", journal=Forgetful())


def test_a_superseded_worker_that_writes_is_noticed(tmp_path: Path) -> None:
    with Tampered(str(tmp_path / "runs.db"), "epoch check") as journal:
        wrong = Cluster(1, 80, journal, hours=4).live().wrong

    assert any("has superseded" in each for each in wrong)
