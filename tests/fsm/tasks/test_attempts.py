"""Attempts: one count, whether it is taken by a run, a story, a timeline, a span or a journal."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fsm import Journal, MemoryJournal, Policy, Retry, Run, Step, TaskRun, TransitionError, event
from fsm.diagrams.timeline.bars import bars
from fsm.explain.entry import StoryEntry
from fsm.explain.narrator import attempt_numbers
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.tasks.attempts import FAILED, RETRYING, RUNNING, Attempt, attempt_of
from fsm.tasks.guards import attempts_left
from fsm.testing import HandClock
from states import (
    Cancelled,
    Failed,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    Submitted,
    TimedOut,
)

WALKS = range(25)
LENGTH = 40  # steps
EVENTS = sorted(set(TaskRun.lifecycle.events) - {"map", "fail_map", "cancel", "skip", "cache"})


def walk(seed: int, journal: Journal) -> TaskRun:
    """A run that has made random steps."""
    rng = random.Random(seed)
    clock = HandClock()
    policy = Policy(Retry(max_retries=rng.randrange(4), max_rescues=2))
    run = TaskRun(f"r{seed}", journal=journal, clock=clock, policy=policy)
    for _ in range(LENGTH):
        clock.advance(seconds=1)
        try:
            run.trigger(rng.choice(EVENTS))
        except TransitionError:
            continue  # a guard, or no row
        if run.state.is_failed() and rng.random() < 0.3:
            break
    return run


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else SQLiteJournal(tmp_path / "runs.db")


@pytest.mark.parametrize("seed", WALKS)
def test_runs_stories_and_timelines_count_the_same(seed: int) -> None:
    journal = MemoryJournal()
    counted: list[int] = []
    rescues: list[bool] = []

    def count(run: Run, step: Step) -> None:
        assert isinstance(run, TaskRun)
        counted.append(run.attempts)
        rescues.append(step.event == "rescue" and isinstance(step.dest, Retrying))

    class Walked(TaskRun):
        pass

    Walked.after(count)
    rng, clock = random.Random(seed), HandClock()
    run = Walked("r", journal=journal, clock=clock, policy=Policy(Retry(3, max_rescues=2)))
    for _ in range(LENGTH):
        clock.advance(seconds=1)
        try:
            run.trigger(rng.choice(EVENTS))
        except TransitionError:
            continue

    shown = [
        attempt_of(number, rescued=rescue) for number, rescue in zip(counted, rescues, strict=True)
    ]
    records = list(journal.records("r"))
    assert attempt_numbers(map(StoryEntry.from_step, run.history)) == counted
    assert attempt_numbers(map(StoryEntry.from_record, records)) == counted
    for history in (run.history, records):
        (bar,) = bars([history])
        assert [span.attempt for span in bar.spans] == shown


def test_a_journal_returns_every_failed_run_that_has_an_attempt_left(journal: Journal) -> None:
    runs = [walk(seed, journal) for seed in WALKS]

    recovered = {summary.run for summary in journal.recover()}

    failed = [run for run in runs if run.state.is_failed()]
    left = {run.id for run in failed if attempts_left(run, run.history[-1]) is True}
    assert left <= recovered
    assert 0 < len(left) < len(failed)


@pytest.mark.parametrize(
    ("entered", "number"),
    [
        ([], 0),
        (["waiting"], 0),
        ([RUNNING], 1),
        ([RUNNING, "waiting", RUNNING], 1),
        ([RUNNING, RUNNING], 1),
        ([FAILED], 1),
        ([RUNNING, FAILED], 1),
        ([FAILED, FAILED], 1),
        ([RUNNING, FAILED, RETRYING], 1),
        ([RUNNING, FAILED, RETRYING, RUNNING], 2),
        ([RUNNING, RETRYING, FAILED], 2),
        ([RUNNING, FAILED, RUNNING], 2),
    ],
)
def test_an_attempt_begins_with_running_or_with_a_failure_before_it(
    entered: list[str], number: int
) -> None:
    attempt = Attempt()
    for each in entered:
        attempt = attempt.after(each)

    assert attempt.number == number


def test_a_retrying_says_how_many_attempts_there_were() -> None:
    attempt = Attempt(1, FAILED).after(RETRYING, run_count=5)

    assert attempt == Attempt(5)
    assert attempt.after(RUNNING) == Attempt(6, RUNNING)


@pytest.mark.parametrize(
    ("state", "number"),
    [
        (Pending(), 0),
        (Scheduled(), 0),
        (Submitted(), 0),
        (Cancelled(), 0),
        (Running(), 1),
        (Failed(), 1),
        (TimedOut(), 1),
        (Retrying(run_count=2), 2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_state_in_which_a_run_begins_counts(state: State, number: int) -> None:
    assert TaskRun(state=state).attempts == number


def test_a_failed_run_that_runs_again_without_a_retry_makes_another_attempt() -> None:
    class Stubborn(TaskRun):
        again = event(Running, source=Failed)

    run, begun = Stubborn(), Stubborn(state=Failed())
    for name in ("start", "fail", "again", "fail", "again"):
        run.trigger(name)
    begun.again()

    assert (run.attempts, begun.attempts) == (3, 2)
    assert attempt_numbers(map(StoryEntry.from_step, run.history))[-1] == 3
