"""Rescues of runs whose workers are lost."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from fsm import Run, StaleRun, TaskRun, event
from fsm.errors import InvalidArgument
from fsm.journal import Claim, Journal
from fsm.operations import Rescued, rescue
from fsm.testing import HandClock
from states import Finished, Pending, Retrying, Running

Lost = Callable[..., tuple[TaskRun, Claim]]


@pytest.fixture
def lost(journal: Journal, clock: HandClock) -> Lost:
    """Makes a run that a worker has claimed and started; the claim has lapsed."""

    def make(id: str = "r", *events: str, **settings: Any) -> tuple[TaskRun, Claim]:
        TaskRun(id, journal=journal, clock=clock, **settings).submit()
        (claim,) = journal.claim(run=id, owner="lost", lease=60, now=clock())
        run = TaskRun.restore(id, claim, clock=clock)
        for each in events or ("start",):
            run.trigger(each)
        clock.advance(seconds=60)
        return run, claim

    return make


def test_a_rescued_run_can_be_started_again(lost: Lost, journal: Journal, clock: HandClock) -> None:
    lost()

    assert list(rescue(journal, now=clock())) == [Rescued("r", "lost", "Retrying", None)]

    (claim,) = journal.claim(owner="next", now=clock())
    run = TaskRun.restore("r", claim, clock=clock)
    run.start()
    run.succeed()
    assert [step.event for step in run.history] == ["submit", "start", "rescue", "start", "succeed"]
    assert run.history[2].at == clock()


def test_a_run_without_rescues_left_fails(lost: Lost, journal: Journal, clock: HandClock) -> None:
    lost(policy={"max_rescues": 0})

    assert [each.state for each in rescue(journal, now=clock())] == ["Failed"]

    assert journal.summary("r").owner is None
    assert list(rescue(journal, now=clock())) == []


def test_a_run_without_rescues_left_is_retried_where_retries_are_left(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    lost(policy={"max_rescues": 0, "max_retries": 1})

    assert [each.state for each in rescue(journal, now=clock())] == ["Retrying"]

    history = [step.event for step in journal.steps("r")]
    assert history == ["submit", "start", "rescue", "retry"]
    assert [each.run for each in journal.due(clock())] == ["r"]


def test_a_run_lost_between_its_failure_and_its_retry_is_retried(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    lost("r", "start", "fail", max_retries=1, retry_delay=30)

    assert list(rescue(journal, now=clock())) == [Rescued("r", "lost", "Retrying", None)]

    assert journal.summary("r").owner is None
    assert journal.claim(owner="next", now=clock()) == []
    (claim,) = journal.claim(owner="next", now=clock().add(seconds=30))
    assert TaskRun.restore("r", claim).state.run_count == 1


def test_a_run_lost_between_two_iterations_begins_the_next(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    lost("r", "start", "loop")

    assert list(rescue(journal, now=clock())) == [Rescued("r", "lost", "Pending", None)]

    (claim,) = journal.claim(owner="next", now=clock())
    assert TaskRun.restore("r", claim).loop_count == 1


def test_a_failed_run_without_retries_left_is_not_moved(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    run, _ = lost("r", "start", "fail", "retry", "start", "fail", max_retries=1)

    assert list(rescue(journal, now=clock())) == []
    assert journal.summary("r").steps == len(run.history)


def test_a_failed_run_whose_guards_refuse_is_released(journal: Journal, clock: HandClock) -> None:
    began = Retrying(run_count=1, start_time=clock())
    attempt = TaskRun("r", state=began, journal=journal, clock=clock, max_retries=1)
    attempt.start()
    attempt.fail()  # its second attempt, though its journal has seen no retry
    journal.claim(run="r", owner="lost", lease=0, now=clock())

    (skipped,) = rescue(journal, now=clock())

    assert skipped == Rescued("r", "lost", "Failed", skipped.skipped)
    assert skipped.skipped is not None
    assert "2 of 2 attempts are used" in skipped.skipped
    assert (journal.summary("r").owner, journal.summary("r").steps) == (None, 2)
    assert list(rescue(journal, now=clock())) == []


def test_a_vetoed_retry_is_made_by_the_next_rescue(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    class Strict(TaskRun):
        __module__, __qualname__ = TaskRun.__module__, TaskRun.__qualname__

    @Strict.before(Strict.retry)
    def veto(run: Run, step: object) -> None:
        raise OSError("not now")

    lost("r", "start", "fail", max_retries=1)

    (skipped,) = rescue(journal, Strict, now=clock())
    assert skipped == Rescued("r", "lost", "Failed", "OSError('not now')")
    (rescued,) = rescue(journal, now=clock())
    assert (rescued.state, rescued.skipped) == ("Retrying", None)


def test_a_worker_whose_run_was_retried_by_a_rescue_is_refused(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    run, _ = lost("r", "start", "fail", max_retries=1)
    list(rescue(journal, now=clock()))

    with pytest.raises(StaleRun, match="retry: Failed → Retrying"):
        run.retry()


@pytest.mark.parametrize("events", [("start", "succeed"), ("start", "fail"), ("cancel",)], ids=str)
def test_a_finished_run_is_not_moved(
    events: tuple[str, ...], lost: Lost, journal: Journal, clock: HandClock
) -> None:
    run, _ = lost("r", *events)

    assert list(rescue(journal, now=clock())) == []
    assert journal.summary("r").steps == len(run.history)


def test_a_run_whose_worker_is_alive_is_not_moved(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    _, claim = lost()
    claim.heartbeat(now=clock())

    assert list(rescue(journal, now=clock())) == []


def test_a_waiting_run_is_released(lost: Lost, journal: Journal, clock: HandClock) -> None:
    lost("r", "queue")

    assert list(rescue(journal, now=clock())) == [Rescued("r", "lost", "Queued", None)]
    assert journal.summary("r").owner is None
    assert len(journal.claim(owner="next", now=clock())) == 1


def test_a_run_without_a_claim_is_not_moved(journal: Journal, clock: HandClock) -> None:
    TaskRun("r", journal=journal, clock=clock).start()

    assert list(rescue(journal, now=clock().add(years=1))) == []


def test_a_worker_whose_run_was_rescued_is_refused(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    run, _ = lost()
    list(rescue(journal, now=clock()))

    with pytest.raises(StaleRun, match="rescue: Running → Retrying"):
        run.succeed(result=42)

    (late,) = journal.late_results("r")
    assert late.state.result == 42
    assert journal.summary("r").state == "Retrying"


def while_claiming(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]
) -> None:
    """Let *act* happen just before the next claim."""
    claim = journal.claim

    def late(*args: Any, **kwargs: Any) -> list[Claim]:
        monkeypatch.undo()
        act()
        return claim(*args, **kwargs)

    monkeypatch.setattr(journal, "claim", late)


def test_a_worker_that_renews_its_claim_meanwhile_keeps_its_run(
    lost: Lost, journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, claim = lost()
    while_claiming(journal, monkeypatch, lambda: claim.heartbeat(now=clock()))

    (skipped,) = rescue(journal, now=clock())

    assert skipped == Rescued("r", "lost", "Running", "its worker renewed its claim")
    run.succeed()


def test_a_run_that_finishes_meanwhile_is_skipped(
    lost: Lost, journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = lost()
    while_claiming(journal, monkeypatch, run.succeed)

    (skipped,) = rescue(journal, now=clock())

    assert skipped == Rescued("r", "lost", "Success", "it is Success already")
    assert journal.summary("r").steps == 3


def test_a_run_that_starts_meanwhile_is_rescued(
    lost: Lost, journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = lost("r", "queue")
    while_claiming(journal, monkeypatch, run.start)

    (rescued,) = rescue(journal, now=clock())

    assert rescued == Rescued("r", "lost", "Retrying", None)
    with pytest.raises(StaleRun):
        run.succeed()


class Order(Run):
    start = event(Running, source=Pending)
    finish = event(Finished, source=Running)


class Kind(Order):
    rescue = event(Finished, source=Running)


@pytest.fixture
def order(journal: Journal, clock: HandClock) -> Order:
    """A run of a class of the user's own, lost."""
    run = Order("r", journal=journal, clock=clock)
    run.start()
    journal.claim(run="r", owner="lost", lease=0, now=clock())
    return run


def test_a_run_of_a_class_that_is_not_loaded_is_skipped(
    order: Order, journal: Journal, clock: HandClock
) -> None:
    (skipped,) = rescue(journal, now=clock())

    assert skipped.skipped is not None
    assert skipped.skipped.endswith("test_rescuing:Order")
    assert len(list(journal.find_lapsed(clock()))) == 1


def test_a_run_whose_class_has_no_rescue_is_skipped_each_time(
    order: Order, journal: Journal, clock: HandClock
) -> None:
    for _ in range(2):
        (skipped,) = rescue(journal, Order, now=clock())
        assert skipped.skipped == "no event of Order rescues it from Running"

    assert journal.summary("r").state == "Running"


def test_a_vetoed_rescue_is_made_by_the_next_rescue(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    class Strict(TaskRun):
        __module__, __qualname__ = TaskRun.__module__, TaskRun.__qualname__

    @Strict.before(Strict.rescue)
    def veto(run: Run, step: object) -> None:
        raise OSError("not now")

    lost()

    (skipped,) = rescue(journal, Strict, now=clock())
    assert skipped == Rescued("r", "lost", "Running", "OSError('not now')")
    (rescued,) = rescue(journal, now=clock())
    assert (rescued.state, rescued.skipped) == ("Retrying", None)


def test_a_listener_that_fails_does_not_undo_the_rescue(
    lost: Lost, journal: Journal, clock: HandClock
) -> None:
    class Loud(TaskRun):
        __module__, __qualname__ = TaskRun.__module__, TaskRun.__qualname__

    @Loud.after(Loud.rescue)
    def shout(run: Run, step: object) -> None:
        raise OSError("loud")

    lost()

    (rescued,) = rescue(journal, Loud, now=clock())

    assert (rescued.state, rescued.skipped) == ("Retrying", None)
    assert journal.summary("r").owner is None


def test_many_runs_are_rescued_one_by_one(lost: Lost, journal: Journal, clock: HandClock) -> None:
    for number in range(5):
        lost(f"r{number}")

    assert [each.run for each in rescue(journal, now=clock())] == [f"r{n}" for n in range(5)]


@pytest.mark.parametrize(
    "odd", [None, "runs.db", 5, TaskRun], ids=["None", "a path", "5", "a class"]
)
def test_rescuing_from_something_else_than_a_journal_is_an_error(odd: Any) -> None:
    with pytest.raises(InvalidArgument, match="a journal is what open_journal"):
        list(rescue(odd))


@pytest.mark.parametrize("odd", [5, "TaskRun", Pending], ids=str)
def test_rescuing_something_else_than_a_class_of_runs_is_an_error(
    odd: Any, journal: Journal
) -> None:
    with pytest.raises(InvalidArgument, match="class of runs"):
        list(rescue(journal, odd))


def test_a_naive_present_is_an_error(journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="aware datetime"):
        list(rescue(journal, now=datetime.datetime(2020, 1, 1)))
