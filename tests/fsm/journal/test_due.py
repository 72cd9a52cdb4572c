"""Queries: runs are found by time, worker, parent and state."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fsm import Step, TaskRun, internal
from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal import Journal, Summary
from fsm.journal.relational.statements import PAGE
from fsm.testing import HandClock
from states import Pending, Running, Scheduled

LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC)
FIRST = datetime.datetime.min.replace(tzinfo=datetime.UTC)


def ids(found: Iterable[Summary]) -> list[str]:
    return [summary.run for summary in found]


@pytest.fixture
def make(journal: Journal, clock: HandClock) -> Callable[..., TaskRun]:
    """The maker of runs by the events they have gone through."""

    def made(id: str, *events: str, **settings: Any) -> TaskRun:
        run = TaskRun(id, journal=journal, clock=clock, **settings)
        for event in events:
            run.trigger(event)
        return run

    return made


def test_the_longest_due_come_first(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    begun = clock()
    make("timed", "start", timeout=3)
    make("now", "submit")
    make("later").schedule(start_time=begun.add(seconds=2))
    make("never").schedule(start_time=begun.add(years=1))
    make("kept-1", "start", "succeed", "cache", cache_for=1)
    make("done", "start", "succeed")
    make("failed", "start", "fail", max_retries=1)
    make("running", "start")

    assert ids(journal.due(begun)) == ["now"]
    assert ids(journal.due(begun.add(seconds=3))) == ["now", "kept-1", "later", "timed"]


def test_a_retry_is_due_when_its_delay_is_over(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    make("r", "start", "fail", "retry", max_retries=1, retry_delay=30)

    assert ids(journal.due(clock().add(seconds=29.9))) == []
    assert ids(journal.due(clock().add(seconds=30))) == ["r"]


def test_time_that_runs_backwards_makes_nothing_due(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    make("r").schedule(start_time=clock())

    assert ids(journal.due(clock().subtract(microseconds=1))) == []


def test_a_deadline_is_that_of_the_attempt(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    run = make("r", "start", timeout=10, max_retries=1)
    assert journal.summary("r").deadline == run.history[-1].micros + 10_000_000

    clock.advance(seconds=5)
    run.fail()
    assert journal.summary("r").deadline is None

    run.retry()
    clock.advance(seconds=5)
    run.start()
    assert journal.summary("r").deadline == run.history[-1].micros + 10_000_000
    assert run.deadline is not None
    assert journal.summary("r").deadline == int(run.deadline.timestamp() * 1e6)


class Talkative(TaskRun):
    report = internal(source=Running)


def test_a_step_that_stays_in_running_does_not_move_the_deadline(
    journal: Journal, clock: HandClock
) -> None:
    run = Talkative("r", journal=journal, clock=clock, timeout=10)
    run.start()
    deadline = journal.summary("r").deadline
    clock.advance(seconds=5)

    run.report(message="half way")

    assert journal.summary("r").steps == 2
    assert journal.summary("r").deadline == deadline
    assert run.deadline == clock().add(seconds=5)


def test_a_deadline_ends_with_the_last_year(journal: Journal) -> None:
    TaskRun("r", journal=journal, clock=lambda: LAST, timeout=60).start()

    summary = journal.summary("r")

    assert summary.deadline == summary.moved
    assert ids(journal.due(LAST)) == ["r"]


def test_a_run_may_begin_in_the_first_year(journal: Journal) -> None:
    TaskRun("r", journal=journal, clock=lambda: FIRST).submit()

    assert journal.summary("r").began_at == FIRST
    assert ids(journal.due(FIRST)) == ["r"]
    assert ids(journal.runs(older_than=1, now=FIRST)) == []
    assert ids(journal.runs(older_than=1)) == ["r"]


def test_unfinished_runs_are_recovered(make: Callable[..., TaskRun], journal: Journal) -> None:
    make("waits", "schedule")
    make("runs", "start")
    make("looped", "start", "loop")
    make("done", "start", "succeed")
    make("cancelled", "cancel")
    make("failed", "start", "fail")
    make("failed-with-retries", "start", "fail", max_retries=1)
    make("retried", "start", "fail", "retry", "start", "fail", max_retries=1)

    assert ids(journal.recover()) == ["failed-with-retries", "looped", "runs", "waits"]


def test_lapsed_claims_of_unfinished_runs_are_found(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    for id, events in {"runs": ["start"], "waits": ["submit"], "free": ["start"]}.items():
        make(id, *events)
    for id in ("done", "failed"):
        make(id, "start")
    for id in ("runs", "waits", "done", "failed"):
        journal.claim(owner="w", run=id, lease=60, now=clock())
    TaskRun.restore("done", journal).succeed()
    TaskRun.restore("failed", journal).fail()

    assert ids(journal.find_lapsed(clock().add(seconds=59))) == []
    assert ids(journal.find_lapsed(clock().add(seconds=60))) == ["runs", "waits"]


def test_a_failed_run_under_a_lapsed_claim_is_found_while_it_has_retries_left(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    failed = ("start", "fail")
    make("none", *failed)
    make("one", *failed, max_retries=1)
    make("used", *failed, "retry", "start", "fail", max_retries=1)
    make("free", *failed, max_retries=1)
    make("looped", "start", "loop")
    for id in ("none", "one", "used", "looped"):
        journal.claim(owner="w", run=id, lease=60, now=clock())

    assert ids(journal.find_lapsed(clock().add(seconds=59))) == []
    assert ids(journal.find_lapsed(clock().add(seconds=60))) == ["looped", "one"]


def test_children_come_in_their_order(make: Callable[..., TaskRun], journal: Journal) -> None:
    make("load", "map")
    for index in (10, 2, 0):
        make(f"load[{index}]", "start")
    make("load[2][1]", "start")
    make("load[x]", "start")
    make("other[0]", "start")

    found = list(journal.children("load"))

    assert ids(found) == ["load[0]", "load[2]", "load[10]"]
    assert [(child.parent, child.child) for child in found] == [
        ("load", 0), ("load", 2), ("load", 10),
    ]  # fmt: skip
    assert ids(journal.children("load[2]")) == ["load[2][1]"]
    assert ids(journal.children("nobody")) == []


def test_runs_are_chosen_by_state_owner_and_age_at_once(
    make: Callable[..., TaskRun], journal: Journal, clock: HandClock
) -> None:
    for id in ("a", "b", "c"):
        make(id, "start")
        journal.claim(owner="w" if id != "b" else "v", run=id, now=clock())
        clock.advance(seconds=60)
    make("d", "cancel")

    assert ids(journal.runs(state="Running", owner="w")) == ["a", "c"]
    assert ids(journal.runs(state="Running", owner="w", older_than=90, now=clock())) == ["a"]
    assert ids(journal.runs(older_than=datetime.timedelta(minutes=2), now=clock())) == ["a"]
    assert ids(journal.runs(older_than=0, now=clock())) == ["a", "b", "c"]
    assert ids(journal.runs(state="Cancelled")) == ["d"]


MANY = PAGE + 7


@pytest.fixture
def many(journal: Journal) -> Journal:
    """A journal of more runs than a page holds, begun at three moments only."""
    journal.extend(
        (
            Step(f"p[{n}]", 1, "schedule", Pending(), Scheduled(start_time=FIRST), n % 3, {})
            for n in range(MANY)
        ),
        TaskRun,
    )
    return journal


def test_all_queries_for_runs_are_paged(many: Journal, clock: HandClock) -> None:
    found = list(many.runs())

    assert len(found) == MANY
    assert found == sorted(found, key=lambda run: (run.began, run.run))
    assert list(many.recover()) == list(many.runs(state="Scheduled")) == found
    assert ids(many.due()) == sorted(ids(found))
    assert ids(many.children("p")) == [f"p[{n}]" for n in range(MANY)]
    assert len(many.claim(MANY, owner="w", now=clock())) == MANY
    assert ids(many.find_lapsed(clock().add(hours=1))) == ids(found)
    assert ids(many.runs(owner="w")) == ids(found)


def test_a_long_history_is_paged(journal: Journal) -> None:
    first = Step("r", 1, "start", Pending(), Running(), 0, {})
    rest = (Step("r", seq, "stay", Running(), Running(), seq) for seq in range(2, MANY))
    journal.extend(itertools.chain([first], rest))

    assert [step.seq for step in journal.steps("r")] == list(range(1, MANY))
    assert len(list(journal.records("r"))) == MANY - 1


def test_reading_pages_while_runs_move_on_misses_none(many: Journal) -> None:
    seen = set()
    for summary in many.runs():
        seen.add(summary.run)
        if len(seen) in (1, PAGE, PAGE + 1):
            TaskRun.restore(summary.run, many).start()

    assert len(seen) == MANY


def test_a_summary_is_found_by_id(make: Callable[..., TaskRun], journal: Journal) -> None:
    make("r", "start", "succeed")

    summary = journal.summary("r")

    assert (summary.state, summary.steps, summary.phase) == ("Success", 2, "finished")
    assert summary.kind == "fsm:TaskRun"
    assert summary.over


@pytest.mark.parametrize("id", ["x", "", "\0", "\ud800", 5, None, [], b"r"], ids=repr)
def test_an_unknown_run_has_no_summary(id: Any, journal: Journal) -> None:
    with pytest.raises(UnknownRun):
        journal.summary(id)


@pytest.mark.parametrize("name", ["nobody", "", "\0", "\ud800", "%", "'"], ids=repr)
def test_an_unknown_name_finds_nothing(
    name: str, make: Callable[..., TaskRun], journal: Journal
) -> None:
    make("r", "start")

    assert list(journal.runs(state=name)) == []
    assert list(journal.runs(owner=name)) == []
    assert list(journal.children(name)) == []


@pytest.mark.parametrize("name", [5, [], b"x", True, {}], ids=repr)
def test_another_thing_than_a_name_is_refused(name: Any, journal: Journal) -> None:
    for ask in (
        lambda: journal.runs(state=name),
        lambda: journal.runs(owner=name),
        lambda: journal.children(name),
        lambda: journal.late_results(name),
    ):
        with pytest.raises(InvalidArgument, match="is a name"):
            ask()


@pytest.mark.parametrize(
    "age", [-1, "1h", float("nan"), 10**400, True, []], ids=lambda x: repr(x)[:9]
)
def test_an_odd_age_is_refused(age: Any, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="older_than"):
        journal.runs(older_than=age)


@pytest.mark.parametrize("now", [0, "now", datetime.datetime(2020, 1, 1)], ids=repr)
def test_an_odd_time_is_refused(now: Any, journal: Journal) -> None:
    for ask in (journal.due, journal.find_lapsed, lambda now: journal.runs(older_than=1, now=now)):
        with pytest.raises(InvalidArgument, match="aware datetime"):
            ask(now)
