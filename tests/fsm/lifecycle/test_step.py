"""Step: one move of one run."""

from __future__ import annotations

import copy
import pickle

import pendulum
import pytest

from fsm import Step, TaskRun
from fsm.testing import HandClock
from states import Pending, Running


def test_a_step_reads_as_a_sentence() -> None:
    assert repr(Step("r", 4, "start", Pending(), Running(), 0)) == "#4 start: Pending → Running"


def test_a_step_is_stamped_by_the_clock_of_its_run(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    clock.advance(minutes=5)

    run.start()

    assert run.history[0].at == pendulum.datetime(2020, 1, 1, 0, 5)
    assert run.history[0].at.timezone_name == "UTC"


def test_a_step_cannot_be_changed() -> None:
    step = Step("r", 1, "start", Pending(), Running(), 0)

    with pytest.raises(AttributeError):
        step.seq = 2  # type: ignore[misc]  # the point of the test


def test_a_step_survives_copying() -> None:
    step = Step("r", 1, "start", Pending(), Running(message="m", result=[1]), 7, {"a": 1})

    assert copy.deepcopy(step) == step
    assert pickle.loads(pickle.dumps(step)) == step


def test_only_the_first_step_carries_settings() -> None:
    run = TaskRun(max_retries=3)
    run.start()
    run.fail()

    settings = [step.settings for step in run.history]

    assert settings[0] is not None
    assert settings[0]["policy"]["max_retries"] == 3
    assert settings[1] is None


def test_later_steps_can_be_hashed() -> None:
    assert len({Step("r", 2, "start", Pending(), Running(), 0)}) == 1


def test_the_first_step_can_be_hashed() -> None:
    run = TaskRun()
    run.start()

    assert len(set(run.history)) == 1
