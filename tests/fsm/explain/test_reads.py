"""Read tracing: the values a guard that refuses looked at; none where that is not certain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fsm import Policy, Run, Step, event
from fsm.explain import explain
from fsm.testing import HandClock
from states import Failed, Pending, Running, Scheduled, State, Success


class Odd:
    """An object whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def guarded(guard: Callable[[Any, Step], Any], **values: Any) -> Run:
    """A run with these attributes and one guarded event."""

    class Guarded(Run):
        finish = event(Success, source=Pending, conditions=[guard])
        policy = Policy()
        budget, limit, odd, seen = 3, 10, Odd(), tuple(range(10))

    run = Guarded("r", clock=HandClock())
    for name, value in values.items():
        setattr(type(run), name, value)
    return run


def read(run: Run, **given: Any) -> dict[str, str]:
    (reads,) = explain(run, "finish", **given).reads
    return dict(reads)


def test_what_a_guard_reads_of_its_run_is_shown() -> None:
    run = guarded(lambda run, step: run.budget > run.limit)

    assert read(run) == {"run.budget": "3", "run.limit": "10"}
    assert explain(run, "finish").lines[1] == "[lambda] read run.budget = 3, run.limit = 10"


def test_what_a_guard_reads_of_the_step_and_its_payload_is_shown() -> None:
    run = guarded(lambda run, step: step.dest.result == 1 and step.seq == 2)

    assert read(run, result=2) == {"step.dest.result": "2"}
    assert read(run, result=1) == {"step.dest.result": "1", "step.seq": "1"}


def test_what_a_guard_reads_of_a_policy_is_shown_by_its_path() -> None:
    run = guarded(lambda run, step: run.policy.retry.max_retries > 0)

    assert read(run) == {"run.policy.retry.max_retries": "0"}


def test_a_guard_may_use_isinstance() -> None:
    def guard(run: Run, step: Step) -> bool | str:
        if isinstance(step.source, Failed) or not isinstance(step.source, Pending):
            return True
        return f"it is {step.source.message}"

    assert read(guarded(guard)) == {"step.source.message": "None"}


def test_a_guard_may_compare_its_arguments() -> None:
    run = guarded(lambda run, step: run.state == Running())

    assert list(read(run)) == ["run.state"]


def test_a_guard_may_call_methods_of_its_arguments() -> None:
    run = guarded(lambda run, step: step.source.is_failed() or run.budget < 0)

    assert read(run) == {"run.budget": "3"}


@pytest.mark.parametrize(
    "guard",
    [
        lambda run, step: type(step.source) is not Pending and run.budget,  # needs the exact type
        lambda run, step: vars(run)["budget"] if isinstance(run, dict) else False,
        lambda run, step: bool(state_of(run)) and False,
        lambda run, step: False,
    ],
)
def test_a_guard_that_cannot_be_traced_shows_no_values(guard: Any) -> None:
    assert read(guarded(guard)) == {}


def state_of(run: Any) -> State | None:
    return run.state if type(run).__name__ == "Guarded" else None


def test_a_guard_whose_answers_differ_shows_no_values() -> None:
    answers = iter(range(1, 1000))

    def guard(run: Any, step: Step) -> str:
        return f"{run.budget} and {next(answers)}"

    assert read(guarded(guard)) == {}


def test_a_guard_that_raises_when_called_again_shows_no_values() -> None:
    answers = iter([False])

    def guard(run: Any, step: Step) -> bool:
        return next(answers)

    run = guarded(guard)

    assert [dict(each) for each in explain(run, "finish").reads] == [{}]


def test_any_value_is_shown_and_long_ones_are_cut() -> None:
    run = guarded(lambda run, step: not (run.odd and run.seen and run.limit), limit="x" * 1000)

    shown = read(run)

    assert shown["run.odd"] == "<repr raised RuntimeError>"
    assert shown["run.seen"] == "a tuple of 10"
    assert len(shown["run.limit"]) < 100


def test_each_row_that_refuses_has_its_own_values() -> None:
    def no(run: Any, step: Step) -> bool:
        return bool(run.budget > 5)

    def never(run: Any, step: Step) -> bool:
        return False

    class Two(Run):
        budget = 3
        go = event(Running, source=Pending, conditions=[no]) | event(
            Scheduled, source=Pending, conditions=[never]
        )

    why = explain(Two("r"), "go")

    assert [dict(each) for each in why.reads] == [{"run.budget": "3"}, {}]
    assert [each["read"] for each in why.as_data()["guards"]] == [{"run.budget": "3"}, {}]


def test_tracing_does_not_change_the_run() -> None:
    run = guarded(lambda run, step: run.budget > run.limit)
    before = run.state

    explain(run, "finish")

    assert (run.state, run.history, run.refusals) == (before, (), ())
