"""Following: a run learns from its journal what others have made of it."""

from __future__ import annotations

from typing import Any

import pytest

from fsm import CallbackError, CorruptJournal, StepInProgress, TaskRun
from fsm.testing import HandClock, Recorder
from states import Failed, Running, Success


def test_a_run_takes_over_what_others_have_made_of_it(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    TaskRun.restore("r", journal, clock=clock).succeed(result=5)

    made = run.catch_up()

    assert [step.event for step in made] == ["succeed"]
    assert (type(run.state), run.state.result) == (Success, 5)
    assert list(run.history) == list(journal.steps("r"))


def test_a_run_that_has_caught_up_can_go_on(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock, max_retries=1)
    run.start()
    TaskRun.restore("r", journal, clock=clock).fail()
    run.catch_up()

    run.retry()

    assert [step.event for step in journal.steps("r")] == ["start", "fail", "retry"]


def test_listeners_are_told_and_nobody_is_asked(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    asked: list[str] = []
    told = Recorder()
    run.before(lambda run, step: asked.append(step.event))
    run.on_exit(Running, told)
    run.on_enter(Success, told)
    run.after(told)
    TaskRun.restore("r", journal, clock=clock).succeed()

    run.catch_up()

    assert asked == []
    assert told.events == ["succeed", "succeed", "succeed"]


def test_nothing_new_is_nothing_told(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    told = run.after(Recorder())

    assert run.catch_up() == ()
    assert told.steps == []


def test_a_run_that_its_journal_does_not_know_has_nothing_to_learn(journal: Any) -> None:
    assert TaskRun("new", journal=journal).catch_up() == ()
    assert TaskRun().catch_up() == ()


def test_a_listener_that_fails_is_told_of_afterwards(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    told = Recorder()

    def fails(run: object, step: object) -> None:
        raise ValueError("listener")

    run.after(fails)
    run.after(told)
    TaskRun.restore("r", journal, clock=clock).fail()

    with pytest.raises(CallbackError):
        run.catch_up()

    assert type(run.state) is Failed
    assert told.events == ["fail"]


def test_a_listener_cannot_catch_up_with_its_own_step(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    refused: list[Exception] = []

    @run.after
    def catches_up(run: TaskRun, step: object) -> None:
        try:
            run.catch_up()
        except StepInProgress as error:
            refused.append(error)

    run.start()

    assert len(refused) == 1


def test_what_does_not_follow_from_what_is_known_is_no_history(clock: HandClock) -> None:
    from fsm import MemoryJournal

    journal = MemoryJournal()
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    (step,) = journal.steps("r")
    journal._runs["r"][2] = step._replace(seq=2)  # a start from Pending, twice

    with pytest.raises(CorruptJournal):
        run.catch_up()

    assert len(run.history) == 1
