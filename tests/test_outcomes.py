"""Outcomes: the state that each outcome of a task leads to, in the reference and here."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from fsm import Outcome, TaskRun, perform
from states import (
    Failed,
    Looped,
    Paused,
    Retrying,
    Skipped,
    State,
    Success,
    TriggerFailed,
    ValidationFailed,
)

from .traces_replayed import LATER, Rounds, Stopped, Task, raises

RETRIED = ("Retrying", "Retrying Task (after attempt 1 of 2)")
SUCCEEDED = ("Success", "Task run succeeded.")
ITERATED = ("Pending", "Looping task (on loop index 1)"), ("Running", "Starting task run.")


def raised(state: State, then: Any = None) -> Task:
    """A task that raises an outcome the first time it is called."""
    left = [Outcome(state)]
    return lambda: raises(left.pop())() if left else then


# What the task does; what follows its start, with which words; what the first of that carries.
ROWS: dict[str, tuple[Task, list[tuple[str, Any]], Any]] = {
    "returns": (lambda: 5, [SUCCEEDED], 5),
    "raises": (
        raises(ValueError("x")),
        [("Failed", "Unexpected error: ValueError('x')"), RETRIED],
        ValueError,
    ),
    "is interrupted": (
        raises(KeyboardInterrupt()),
        [("Cancelled", "Interrupt signal raised, cancelling task run.")],
        None,
    ),
    "LOOP": (
        raised(Looped(result=1)),
        [("Looped", "Task is looping (1)"), *ITERATED, SUCCEEDED],
        1,
    ),
    "LOOP in words": (raised(Looped("m")), [("Looped", "m"), *ITERATED, SUCCEEDED], None),
    "FAIL": (raised(Failed("m", result=5)), [("Failed", "m"), RETRIED], 5),
    "TRIGGERFAIL": (raised(TriggerFailed("m")), [("TriggerFailed", "m"), RETRIED], None),
    "VALIDATIONFAIL": (raised(ValidationFailed("m")), [("ValidationFailed", "m"), RETRIED], None),
    "SUCCESS": (raised(Success("m", result=5)), [("Success", "m")], 5),
    "SKIP": (raised(Skipped("m")), [("Skipped", "m")], None),
    "PAUSE": (raised(Paused("m")), [("Paused", "m")], None),
    "RETRY": (raised(Retrying("m", start_time=LATER)), [("Retrying", "m")], None),
    # Where ours differs: the reference says TimedOut of the one, and lets the other escape.
    "raises a TimeoutError": (
        raises(TimeoutError("mine")),
        [("Failed", "Unexpected error: TimeoutError('mine')"), RETRIED],
        TimeoutError,
    ),
    "exits": (
        raises(SystemExit(3)),
        [("Failed", "Unexpected error: SystemExit(3)"), RETRIED],
        SystemExit,
    ),
}


def performed(task: Task, **settings: Any) -> TaskRun:
    """A run with one retry, as far as it comes without waiting for it."""
    clock = Rounds(1)
    run = TaskRun(clock=clock, max_retries=1, retry_delay=600, **settings)
    with suppress(Stopped):
        perform(run, task)
    return run


def entered(run: TaskRun) -> list[tuple[str, Any]]:
    """What it has entered since it was started, and what that says."""
    return [(type(step.dest).__name__, step.dest.message) for step in run.history[1:]]


@pytest.mark.parametrize("row", ROWS)
def test_each_outcome_of_a_task_leads_to_the_state_of_its_row(row: str) -> None:
    task, expected, carried = ROWS[row]

    run = performed(task)

    result = run.history[1].dest.result
    assert entered(run) == expected
    assert type(result) is carried if isinstance(carried, type) else result == carried


def test_a_task_that_exceeds_its_limit_times_out_and_is_retried() -> None:
    clock = Rounds(9)
    run = TaskRun(clock=clock, max_retries=1, timeout=5)

    perform(run, lambda: clock.advance(seconds=5 if run.attempts == 1 else 1))

    assert entered(run)[:2] == [("TimedOut", "Task timed out during execution."), RETRIED]
    assert isinstance(run.history[1].dest.result, TimeoutError)
    assert type(run.state) is Success


@pytest.mark.parametrize("outcome", [Skipped("m"), Paused("m")], ids=repr)
def test_only_a_success_is_cached(outcome: State) -> None:
    run = performed(raised(outcome), cache_for=60)

    assert entered(run) == [(type(outcome).__name__, "m")]


def test_a_success_returned_as_a_state_is_cached() -> None:
    run = performed(raised(Success("m", result=5)), cache_for=60)

    assert entered(run) == [("Success", "m"), ("Cached", "m")]
    assert run.state.result == 5


def test_a_retry_after_the_last_attempt_is_refused_even_if_the_task_asks_for_it() -> None:
    run = TaskRun(clock=Rounds(9))

    state = perform(run, raised(Retrying("m")))

    assert type(state) is Failed
    assert "1 of 1 attempts are used" in str(state.message)
