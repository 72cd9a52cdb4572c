"""Task: a decorated function, and the runs of its calls."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import pendulum
import pytest

import fsm
from fsm import (
    Cache,
    Call,
    MemoryJournal,
    Policy,
    Quorum,
    Retry,
    Runner,
    TaskRun,
    Timeout,
    current_run,
    task,
)
from fsm.errors import InvalidArgument
from fsm.flow import Task
from fsm.states import ambient
from fsm.testing import HandClock
from states import Cached, Failed, Mapped, Running, Scheduled, Submitted, Success


@task
def double(number: int) -> int:
    """Twice as much."""
    return number * 2


@task(max_retries=2, retry_delay=60)
def flaky(until: int) -> int:
    attempt = current_run().attempt
    if attempt < until:
        raise ValueError(f"attempt {attempt}")
    return attempt


calls: list[tuple[Any, ...]] = []


@task(cache_for=60)
def slow(*args: Any, **kwargs: Any) -> int:
    calls.append((*args, *kwargs.values()))
    return len(calls)


def test_a_plain_call_calls_the_function() -> None:
    assert double(4) == 8
    assert double.__name__ == "double"
    assert double.__doc__ == "Twice as much."


def test_a_run_is_performed_to_its_end() -> None:
    run = double.run(4)

    assert (type(run.state), run.state.result) == (Success, 8)
    assert isinstance(run, TaskRun)


def test_the_settings_of_the_decorator_are_the_policy_of_its_runs(clock: HandClock) -> None:
    run = flaky.with_options(clock=clock).run(3)

    assert run.state.result == 3
    assert [step.event for step in run.history].count("retry") == 2
    assert clock() == pendulum.datetime(2020, 1, 1).add(minutes=2)


def test_short_words_mean_the_same_as_the_parts_of_a_policy() -> None:
    words = task(max_retries=1, retry_delay=5, timeout=3)(len)
    parts = task(retry=Retry(max_retries=1, delay=5), timeout=Timeout(attempt=3))(len)
    whole = task(policy=Policy(Retry(1, 5), Timeout(3)))(len)

    assert words.kind.default_policy == parts.kind.default_policy == whole.kind.default_policy


def test_each_task_has_a_class_of_runs_with_its_name() -> None:
    heard: list[str] = []

    @task
    def one() -> None: ...

    @task
    def other() -> None: ...

    one.kind.on_enter(Success, lambda run, step: heard.append(type(run).__name__))
    one.run()
    other.run()

    assert heard == ["one"]
    assert double.kind.__module__ == __name__
    assert double.kind.__qualname__ == "double"


def test_arguments_are_kept_with_the_run(journal: Any) -> None:
    run = double.with_options(id="r", journal=journal).run(4)

    again = double.kind.restore("r", journal)

    assert again.args == (4,)
    assert again.state == run.state


def test_a_run_with_a_known_id_continues_from_its_journal(journal: Any) -> None:
    with_journal = slow.with_options(id="once", journal=journal)
    calls.clear()

    assert with_journal.run().state.result == with_journal.run().state.result == 1
    assert len(calls) == 1


def test_arguments_that_are_not_json_are_passed_but_not_kept(journal: Any) -> None:
    given = object()

    run = task(lambda thing: thing is given).with_options(journal=journal).run(given)

    assert run.state.result is True
    assert "args" not in run.settings()


def test_inputs_are_mapped(journal: Any) -> None:
    run = double.with_options(id="m", journal=journal).map([1, 2, 3], quorum=Quorum.all())

    assert (type(run.state), run.state.result) == (Mapped, [2, 4, 6])
    assert {summary.kind for summary in journal.runs()} == {f"{__name__}:double"}


def test_a_map_that_misses_its_quorum_fails() -> None:
    run = task(lambda number: 1 // number).map([0, 1], quorum=Quorum.all())

    assert type(run.state) is Failed
    assert run.state.message == "1 of 2 mapped tasks succeeded, 2 had to"


def test_a_runner_performs_calls() -> None:
    with Runner(workers=2) as runner:
        states = runner.perform_all([double.call(number) for number in range(5)])

    assert [state.result for state in states] == [0, 2, 4, 6, 8]
    assert isinstance(double.call(1), Call)


def test_a_result_is_found_again_by_the_same_arguments(journal: Any) -> None:
    calls.clear()
    with_journal = slow.with_options(journal=journal)

    first, same, other = (
        with_journal.run(1, x=2),
        with_journal.run(1, x=2),
        with_journal.run(1, x=3),
    )

    assert [type(run.state) for run in (first, same, other)] == [Cached] * 3
    assert [step.event for step in same.history] == ["cache"]
    assert calls == [(1, 2), (1, 3)]


def test_a_result_is_found_again_by_the_same_runner() -> None:
    calls.clear()
    with Runner() as runner:
        with_runner = slow.with_options(runner=runner)
        with_runner.run(7)
        with_runner.run(7)

    assert calls == [(7,)]


def test_a_submitted_run_waits_for_a_worker(journal: Any) -> None:
    run = double.with_options(journal=journal).submit(4)

    assert type(run.state) is Submitted
    (due,) = journal.due()
    assert (due.run, due.kind) == (run.id, f"{__name__}:double")


def test_a_run_submitted_for_later_is_not_due_yet(journal: Any) -> None:
    at = ambient.now().add(hours=1)

    run = double.with_options(journal=journal).submit_at(at, 4)

    assert type(run.state) is Scheduled
    assert list(journal.due()) == []
    assert [summary.run for summary in journal.due(at)] == [run.id]


@pytest.mark.parametrize(
    "argument", [object(), (1, 2), {1: 2}, float("nan"), b"x"], ids=lambda it: type(it).__name__
)
def test_arguments_that_are_not_json_cannot_be_submitted(argument: Any) -> None:
    journal = MemoryJournal()

    with pytest.raises(InvalidArgument, match="plain JSON"):
        double.with_options(journal=journal).submit(argument)

    assert list(journal.runs()) == []


def test_submitting_without_a_journal_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="journal"):
        double.submit(4)


@pytest.mark.parametrize("wrong", [5, None, int, "double"], ids=repr)
def test_what_is_not_a_function_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        task()(wrong)


@pytest.mark.parametrize(
    "words",
    [
        {"max_retries": -1},
        {"max_retries": True},
        {"timeout": -1},
        {"retry_delay": "soon"},
        {"policy": 5},
        {"retry": 5},
        {"cache": 60},
        {"policy": Policy(), "timeout": 3},
        {"retry": Retry(3), "max_retries": 3},
        {"retry": Retry(3), "retry_delay": 3},
        {"cache": Cache(), "cache_for": 3},
        {"base": int},
        {"cache_for": float("inf")},
    ],
    ids=str,
)
def test_settings_that_make_no_policy_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        task(**words)(len)


@pytest.mark.parametrize("word", ["retries", "retrys", "retry_on", "max_rescues"])
def test_an_unknown_word_is_refused(word: str) -> None:
    with pytest.raises(TypeError, match=word):
        task(**{word: 3})  # type: ignore[call-overload]


def test_a_task_may_have_a_lifecycle_of_its_own() -> None:
    class Careful(TaskRun):
        retry = None

    careful = task(base=Careful)(lambda: 1 / 0)

    run = careful.run()

    assert type(run.state) is Failed
    assert "retry" not in run.allowed


def test_a_task_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(double)) is double


def test_a_task_that_cannot_be_imported_is_pickled_with_its_function() -> None:
    local = task(lambda: 3)

    there = pickle.loads(cloudpickle.dumps(local))

    assert there() == 3
    assert isinstance(there, Task)


def test_the_decorator_is_fsm_task() -> None:
    from fsm.tasks.task_run import TaskRun as FromModule

    assert fsm.task is task
    assert FromModule is TaskRun


def test_a_method_is_called_with_its_object() -> None:
    class Shop:
        name = "corner"

        @task
        def sell(self, what: str) -> str:
            return f"{self.name}: {what}"

    assert Shop().sell("tea") == "corner: tea"


def test_a_task_can_read_its_current_run() -> None:
    run = task(lambda: current_run().id).run()

    assert run.state.result == run.id
    assert not isinstance(run.state, Running)


def test_there_is_no_current_run_outside_of_a_task() -> None:
    with pytest.raises(InvalidArgument):
        current_run()
