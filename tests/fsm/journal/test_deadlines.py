"""Deadlines: one rule for `TaskRun` and for all journals, also where SQL says it again."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from fsm import Policy, Run, Step, TaskRun, Timeout, TransitionError, event, internal
from fsm.journal import Journal
from fsm.journal.arguments import LAST
from fsm.journal.deadlines import deadline_of, end_after, timeout_of
from fsm.states import moment
from fsm.testing import HandClock
from states import Failed, Pending, Running, State

EVENTS = ["start", "start", "start", "fail", "retry", "resume", "loop", "rescue", "rerun", "pause"]


def walk(run: TaskRun, clock: HandClock, chance: random.Random) -> None:
    """Fire events at random; some of them lead on."""
    for _ in range(chance.randrange(12)):
        clock.advance(seconds=chance.choice([0, 1, 17, 3600]))
        try:
            run.trigger(chance.choice(EVENTS))
        except TransitionError:
            continue


@pytest.mark.parametrize("timeout", [None, 0, 0.1, 90, 3e9])
def test_journals_and_runs_agree_about_the_deadline_of_an_attempt(
    timeout: float | None, journal: Journal, clock: HandClock
) -> None:
    chance, found = random.Random(f"{timeout}"), 0
    for number in range(40):
        policy = Policy(timeout=Timeout(attempt=timeout))
        run = TaskRun(f"r{number}", journal=journal, clock=clock, policy=policy)
        walk(run, clock, chance)
        if not run.history:
            continue

        expected = deadline_of(run.history, timeout)

        assert journal.summary(run.id).deadline == expected
        assert run.deadline == (None if expected is None else moment.from_micros(expected))
        found += expected is not None
    assert (found > 3) == (timeout is not None)


def steps(*states: State) -> list[Step]:
    return [
        Step("r", seq, "go", source, dest, seq * 1_000_000)
        for seq, (source, dest) in enumerate(itertools.pairwise(states), 1)
    ]


def test_an_attempt_begins_when_the_run_enters_a_running_state() -> None:
    assert deadline_of(steps(Pending(), Running()), 10) == 11_000_000
    assert deadline_of(steps(Pending(), Running(), Running()), 10) == 11_000_000
    assert deadline_of(steps(Pending(), Running(), Failed(), Running()), 10) == 13_000_000


def test_there_is_no_deadline_without_a_limit_or_a_running_attempt() -> None:
    assert deadline_of([], 10) is None
    assert deadline_of(steps(Pending(), Running()), None) is None
    assert deadline_of(steps(Pending(), Running(), Failed()), 10) is None
    assert deadline_of(steps(Running(), Running()), 10) is None  # its beginning is not recorded


def test_a_deadline_is_in_the_year_9999_at_the_latest() -> None:
    assert end_after(LAST - 5, 1) == LAST


@pytest.mark.parametrize(
    ("settings", "timeout"),
    [
        (None, None),
        ({}, None),
        ({"policy": None}, None),
        ({"policy": {}}, None),
        ({"policy": {"timeout": "90"}}, None),
        ({"policy": {"timeout": 90}}, 90),
    ],
)
def test_the_limit_is_read_from_the_settings_of_the_first_step(
    settings: Any, timeout: float | None
) -> None:
    assert timeout_of(Step("r", 1, "start", Pending(), Running(), 0, settings)) == timeout


class Watched(Run):
    start = event(Running, source=Pending)
    note = internal(source=Running)
    fail = event(Failed, source=Running)


def test_a_step_from_running_to_running_does_not_extend_the_deadline(
    journal: Journal, clock: HandClock
) -> None:
    class Limited(Watched):
        def settings(self) -> Any:
            return {"policy": {"timeout": 60}}

    run = Limited("r", journal=journal, clock=clock)
    run.start()
    first = journal.summary("r").deadline
    clock.advance(seconds=30)
    run.note()

    assert first is not None
    assert journal.summary("r").deadline == first == deadline_of(run.history, 60)
