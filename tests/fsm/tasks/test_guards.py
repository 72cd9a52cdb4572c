"""Guards: their answers, and the guards of TaskRun at their boundaries."""

from __future__ import annotations

import datetime
from typing import Any

import pendulum
import pytest

from fsm import GuardRejected, LifecycleError, Run, Step, TaskRun, event
from fsm.lifecycle.guard import Rejection, label
from fsm.testing import HandClock
from states import Cached, Pending, Queued, Retrying, Running, Scheduled, Submitted

START = pendulum.datetime(2020, 1, 1)


def answering(answer: Any, role: str = "conditions") -> Run:
    class Asked(Run):
        go = event(Running, source=Pending, **{role: [lambda run, step: answer]})

    return Asked()


@pytest.mark.parametrize("answer", [True, 1, [0], object()])
def test_a_truthy_answer_passes(answer: Any) -> None:
    assert answering(answer).why_not("go") is None


@pytest.mark.parametrize("answer", [False, 0, None, [], "because", "", START])
def test_a_falsy_answer_a_reason_or_a_time_refuses(answer: Any) -> None:
    run = answering(answer)

    with pytest.raises(GuardRejected):
        run.trigger("go")

    assert (run.state, run.history) == (Pending(), ())


@pytest.mark.parametrize("answer", [False, 0, None, "", "not forbidden", START])
def test_under_unless_these_answers_pass(answer: Any) -> None:
    assert answering(answer, "unless").why_not("go") is None


def test_under_unless_a_truthy_answer_refuses() -> None:
    refusal = answering(True, "unless").why_not("go")

    assert "said yes, which forbids it" in str(refusal)


def test_a_reason_and_a_time_are_reported() -> None:
    reason, time = answering("no fuel").why_not("go"), answering(START).why_not("go")

    assert reason is not None
    assert time is not None
    assert reason.rejections[0].reason == "no fuel"
    assert reason.rejections[0].passes_at is None
    assert time.rejections[0].passes_at == START
    assert time.rejections[0].reason is None
    assert "it passes at 2020-01-01T00:00:00+00:00" in str(time)


def test_the_first_guard_of_a_row_that_refuses_is_reported() -> None:
    class Asked(Run):
        go = event(
            Running,
            source=Pending,
            conditions=[lambda run, step: "first", lambda run, step: "second"],
        )

    refusal = Asked().go.why_not()

    assert refusal is not None
    assert [rejection.reason for rejection in refusal.rejections] == ["first"]


def test_a_refusal_of_each_row_is_reported() -> None:
    class Asked(Run):
        go = event(Running, source=Pending, conditions=[lambda run, step: "first"]) | event(
            Scheduled, source=Pending, conditions=[lambda run, step: "second"]
        )

    refusal = Asked().go.why_not()

    assert refusal is not None
    assert [rejection.reason for rejection in refusal.rejections] == ["first", "second"]


def test_a_guard_that_raises_vetoes() -> None:
    def broken(run: Run, step: Step) -> bool:
        raise LookupError("mine")

    class Asked(Run):
        go = event(Running, source=Pending, conditions=[broken])

    run = Asked()
    with pytest.raises(LookupError, match="mine"):
        run.go()

    assert run.history == ()


def test_a_guard_is_given_the_step_with_its_whole_payload(clock: HandClock) -> None:
    seen: list[Step] = []

    class Asked(Run):
        go = event(Running, source=Pending, conditions=[lambda run, step: seen.append(step) or 1])  # type: ignore[func-returns-value]

    Asked(clock=clock).go(result=3)

    (step,) = seen
    assert (step.event, step.seq, type(step.source), step.at) == ("go", 1, Pending, START)
    assert step.dest.result == 3


def test_labels_read_as_words() -> None:
    class Judge:
        def __call__(self, run: Run, step: Step) -> bool:
            return True

    assert label(lambda run, step: True) == "lambda"
    assert label(Judge()) == "Judge"
    assert Rejection(Judge(), False, True).where == ""


def test_a_start_time_is_reached_at_that_time(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=START.add(seconds=1))

    refusal = run.start.why_not()
    assert refusal is not None
    assert refusal.rejections[0].passes_at == START.add(seconds=1)
    clock.advance(seconds=1)

    assert run.start.may()


@pytest.mark.parametrize("wrapper", [Submitted, Queued])
def test_a_wrapped_start_time_counts(clock: HandClock, wrapper: Any) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=START.add(hours=1))
    run.trigger("submit" if wrapper is Submitted else "queue")

    assert not run.start.may()
    clock.advance(hours=1)

    assert run.start.may()


def test_a_queued_run_waits_for_its_own_time_too(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.queue(start_time=START.add(minutes=1))

    assert not run.start.may()
    clock.advance(minutes=1)
    assert run.start.may()


def test_a_paused_run_starts_by_itself_only_once_its_time_has_come(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause(start_time=START.add(hours=1))

    assert not run.start.may()
    assert not run.submit.may()
    assert "schedule" not in run.allowed
    clock.advance(hours=1)

    assert run.start.may()
    assert run.submit.may()


def test_the_deadline_is_counted_from_the_start(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=10)
    clock.advance(minutes=1)
    run.start()

    assert run.deadline == START.add(seconds=70)
    assert not run.time_out.may()
    clock.advance(seconds=10)

    assert run.time_out.may()


def test_without_a_limit_a_run_may_time_out_any_time(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()

    assert run.deadline is None
    assert run.time_out.may()


def test_a_cache_entry_has_expired_at_its_expiration_time(clock: HandClock) -> None:
    run = TaskRun(clock=clock)

    assert run.cache.may(cached_result_expiration=None)
    assert run.cache.may(cached_result_expiration=START.add(seconds=1))
    refusal = run.cache.why_not(cached_result_expiration=START)

    assert "the entry expired at 2020-01-01T00:00:00+00:00" in str(refusal)
    assert Cached(cached_result_expiration=START).cached_result_expiration == START


def test_naive_times_are_utc(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.schedule(start_time=datetime.datetime(2020, 1, 1, 0, 0, 1))

    assert not run.start.may()


@pytest.mark.parametrize("retries", [1, 2, 5])
def test_n_retries_make_n_plus_one_attempts(clock: HandClock, retries: int) -> None:
    run = TaskRun(clock=clock, max_retries=retries)
    attempts = 0
    while True:
        run.start()
        attempts += 1
        assert run.attempts == attempts
        run.fail()
        if not run.retry.may():
            break
        assert isinstance(run.retry(), Retrying)

    assert attempts == retries + 1


def test_no_retries_means_none_even_before_the_first_attempt(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.fail_trigger()

    assert not run.retry.may()


def test_failing_before_the_start_does_not_retry_for_ever(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)

    for _ in range(10):
        run.fail()
        if not run.retry.may():
            break
        run.retry()

    assert len(run.history) < 10


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_async_guard_is_refused() -> None:
    async def forbids(run: Run, step: Step) -> bool:
        return False

    class Asked(Run):
        go = event(Running, source=Pending, conditions=[forbids])

    run = Asked()
    with pytest.raises((LifecycleError, TypeError)):
        run.go()

    assert run.history == ()
