"""Refusal: what was tried and did not become a step is remembered, and stands in nobody's way."""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
import threading
from typing import Any

import pytest

from fsm import (
    GuardRejected,
    Journal,
    JournalError,
    LifecycleError,
    Outcome,
    Run,
    StaleRun,
    TaskRun,
    TransitionError,
    TransitionNotAllowed,
    event,
    open_journal,
    perform,
)
from fsm.errors import InvalidArgument
from fsm.explain import read_story
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.lifecycle import Refusal
from fsm.operations import approve, retry
from fsm.states import ambient
from fsm.testing import HandClock
from states import Finished, NotSerializable, Paused, Pending, Resume, Retrying, Running, Success


def refused(run: Run, name: str, **given: Any) -> None:
    with pytest.raises(LifecycleError):
        run.trigger(name, **given)


def told(run: Run | Journal) -> list[tuple[Any, ...]]:
    found = run.refusals() if isinstance(run, Journal) else run.refusals
    return [(each.seq, each.event, each.state) for each in found]


def test_a_run_that_was_refused_nothing_remembers_nothing() -> None:
    run = TaskRun()
    run.start()

    assert run.refusals == ()


def test_what_no_row_allows_is_remembered(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.start()
    clock.advance(seconds=5)
    refused(run, "resume")

    (refusal,) = run.refusals
    assert refusal == Refusal(
        "r", 1, "resume", "Running", run._micros(), run.why_not("resume").lines[0]
    )
    assert refusal.at == clock()


def test_what_a_guard_forbids_is_remembered_in_its_words(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.schedule(start_time=clock().add(hours=1))
    refused(run, "start")

    (refusal,) = run.refusals
    assert "[start time reached] said no; it passes at 2020-01-01T01:00" in refusal.reason


def test_a_veto_is_remembered_with_what_was_raised() -> None:
    run = TaskRun("r")

    @run.before(TaskRun.start)
    def veto(run: TaskRun, step: Any) -> None:
        raise PermissionError("not on a Sunday")

    with pytest.raises(PermissionError):
        run.start()

    assert [each.reason for each in run.refusals] == [
        "start was stopped by PermissionError: not on a Sunday"
    ]


def test_who_only_asks_is_not_refused() -> None:
    run = TaskRun()

    run.succeed.may()
    run.why_not("succeed")

    assert run.refusals == ()


def test_a_call_that_makes_no_sense_is_no_refusal() -> None:
    run = TaskRun()

    with pytest.raises((TypeError, InvalidArgument)):
        run.trigger("start", nonsense=1)
    with pytest.raises(LifecycleError):
        run.trigger("retyr")

    assert run.refusals == ()


def test_a_journal_that_fails_refuses_nobody(journal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TaskRun("r", journal=journal)

    def fails(*_: Any, **__: Any) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(journal, "append", fails)
    with pytest.raises(JournalError):
        run.start()

    assert run.refusals == ()


def test_a_payload_that_cannot_be_kept_is_no_refusal(tmp_path: Any) -> None:
    run = TaskRun("r", journal=open_journal(tmp_path / "runs.db"))
    run.start()

    with pytest.raises(NotSerializable):
        run.succeed(result=object())

    assert run.refusals == ()


def test_a_refusal_that_comes_again_is_counted(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    for _ in range(3):
        clock.advance(seconds=1)
        refused(run, "succeed")
    refused(run, "finish")
    refused(run, "succeed")

    assert [(each.event, each.times) for each in run.refusals] == [("finish", 1), ("succeed", 4)]
    assert run.refusals[1].at == clock()


def test_a_run_remembers_the_last_thirty_two() -> None:
    run = TaskRun("r", max_retries=50)
    for _ in range(20):
        for name in ("start", "fail", "retry"):
            refused(run, "succeed") if name == "start" else None
            run.trigger(name)
            refused(run, "iterate")

    assert len(run.refusals) == 32
    assert run.refusals[-1].seq == 60


def test_refusals_may_be_read_while_others_are_refused() -> None:
    run, done = TaskRun("r"), threading.Event()

    def insist() -> None:
        while not done.is_set():
            refused(run, "succeed")
            refused(run, "finish")

    thread = threading.Thread(target=insist)
    thread.start()
    try:
        assert all(len(run.refusals) <= 32 for _ in range(20_000))
    finally:
        done.set()
        thread.join()


def test_what_was_posted_and_refused_is_remembered(journal: Any) -> None:
    run = TaskRun("r", journal=journal)

    @run.after(TaskRun.start)
    def twice(run: TaskRun, step: Any) -> None:
        run.post("start")

    with pytest.raises(LifecycleError):
        run.start()

    assert told(run) == told(journal) == [(1, "start", "Running")]


# Journals.


def test_a_journal_keeps_what_was_refused(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    refused(run, "resume")
    clock.advance(seconds=1)
    run.succeed()
    refused(run, "resume")

    assert told(journal) == [(1, "resume", "Running"), (2, "resume", "Success")]
    assert tuple(journal.refusals("r")) == tuple(journal.refusals()) == run.refusals
    assert list(journal.refusals("other")) == []


def test_of_one_event_after_one_step_a_journal_keeps_the_last(
    journal: Any, clock: HandClock
) -> None:
    TaskRun("r", journal=journal, clock=clock).schedule(start_time=clock().add(hours=1))
    for _ in range(3):  # each in a process of its own, as far as the journal knows
        clock.advance(minutes=1)
        refused(TaskRun.restore("r", journal, clock=clock), "start")

    (refusal,) = journal.refusals("r")
    assert refusal.at == clock()


def test_who_polls_does_not_write_each_time(
    journal: Any, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[Refusal] = []
    monkeypatch.setattr(journal, "note_refusal", notes.append)
    run = TaskRun("r", journal=journal, clock=clock)
    run.schedule(start_time=clock().add(hours=1))
    for _ in range(1000):
        refused(run, "start")

    assert len(notes) == 1
    assert run.refusals[0].times == 1000


def test_a_note_that_cannot_be_kept_does_not_hide_the_refusal(
    journal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Refusal) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(journal, "note_refusal", fails)
    run = TaskRun("r", journal=journal)

    with pytest.raises(TransitionNotAllowed):
        run.succeed()

    assert told(run) == [(0, "succeed", "Pending")]


def test_a_clock_that_fails_does_not_hide_the_refusal() -> None:
    def clock() -> Any:
        raise OSError("no clock")

    run = TaskRun("r", clock=clock)

    with pytest.raises(TransitionNotAllowed):
        run.succeed()
    with pytest.raises(OSError, match="no clock"):
        run.start()

    assert run.refusals == ()


@pytest.mark.parametrize("text", ["\0", "\ud800", "a" * 100_000, "\x1b[31m", "'); DROP TABLE runs"])
def test_any_reason_can_be_kept(text: str, journal: Any) -> None:
    run = TaskRun("r", journal=journal)
    run.submit()

    @run.before
    def veto(run: TaskRun, step: Any) -> None:
        raise ValueError(text)

    with pytest.raises(ValueError):  # noqa: PT011  # what it says is the matter of the test
        run.start()

    (refusal,) = journal.refusals("r")
    assert refusal.reason.startswith("start was stopped by ValueError: ")
    assert len(refusal.reason) < 2100


def test_who_lost_a_race_is_told_so_in_the_journal(journal: Any, clock: HandClock) -> None:
    TaskRun("r", journal=journal, clock=clock).start()
    late = TaskRun.restore("r", journal, clock=clock)
    TaskRun.restore("r", journal, clock=clock).succeed()

    with pytest.raises(StaleRun):
        late.fail()

    (refusal,) = journal.refusals("r")
    assert (refusal.event, refusal.state) == ("fail", "Running")
    assert "has moved on: step 2 is already" in refusal.reason


def test_a_late_result_that_was_kept_aside_is_told_once(journal: Any, clock: HandClock) -> None:
    TaskRun("r", journal=journal, clock=clock).schedule(start_time=clock())
    (claim,) = journal.claim(owner="a", lease=60, now=clock())
    run = TaskRun.restore("r", claim, clock=clock)
    run.start()
    clock.advance(minutes=2)
    journal.claim(run="r", owner="b", now=clock())

    with pytest.raises(StaleRun):
        run.succeed()

    assert (len(list(journal.late_results())), list(journal.refusals())) == (1, [])


def test_a_refusal_under_a_claim_says_whose(journal: Any, clock: HandClock) -> None:
    TaskRun("r", journal=journal, clock=clock).schedule(start_time=clock())
    (claim,) = journal.claim(owner="worker-1", now=clock())
    refused(TaskRun.restore("r", claim, clock=clock), "succeed")

    assert [each.who for each in journal.refusals()] == ["worker-1"]


def test_an_approval_that_nobody_waited_for_is_kept_with_who_gave_it(journal: Any) -> None:
    TaskRun("r", journal=journal).start()

    with pytest.raises(TransitionError):
        approve(journal, "r", by="Ada")
    with pytest.raises(TransitionError):
        retry(journal, "r")

    assert [(each.event, each.who) for each in journal.refusals()] == [
        ("resume", "Ada"),
        ("retry", None),
    ]


def test_what_async_code_was_refused_is_kept(journal: Any) -> None:
    async def start_twice(run: TaskRun) -> int:
        await run.start.aio()
        with pytest.raises(TransitionNotAllowed):
            await run.start.aio()
        return threading.get_ident()

    run = TaskRun("r", journal=journal)
    asyncio.run(start_twice(run))

    assert told(run) == told(journal) == [(1, "start", "Running")]


def test_a_request_that_is_refused_is_remembered(journal: Any) -> None:
    run = TaskRun("r", journal=journal)
    run.start()

    with pytest.raises(TransitionNotAllowed):
        run.once("request-7", "resume")

    assert told(run) == told(journal) == [(1, "resume", "Running")]


def test_a_reason_is_redacted_as_payloads_are(tmp_path: Any) -> None:
    with open_journal(tmp_path / "runs.db", redact=[r"hunter\d"]) as journal:
        run = TaskRun("r", journal=journal)
        run.submit()

        @run.before
        def veto(run: TaskRun, step: Any) -> None:
            raise ValueError("the password is hunter2")

        with pytest.raises(ValueError, match="hunter2"):
            run.start()

        (refusal,) = journal.refusals()
        assert "hunter2" not in refusal.reason


# The engine's own way of finding out is nobody's attempt.


class Doors(Run):
    """Two ways to one state, the first of which is shut."""

    begin = event(Running, source=Pending)
    first = event(Success, source=Running, conditions=[lambda run, step: False])
    second = event(Success, source=Running)
    third = event(Finished, source=Running, conditions=[lambda run, step: False])


def test_a_way_that_enter_passes_by_is_not_remembered() -> None:
    run = Doors("r")
    run.begin()

    run.enter(Success())

    assert run.refusals == ()


def test_a_state_that_no_way_leads_to_is_remembered_by_the_last_one_tried() -> None:
    run = Doors("r")
    run.begin()

    with pytest.raises(GuardRejected):
        run.enter(Finished())

    assert told(run) == [(1, "third", "Running")]


def test_a_run_that_is_performed_in_time_is_refused_nothing(journal: Any) -> None:
    run = TaskRun("r", journal=journal, max_retries=2, retry_delay=0.001)
    turns = iter([ValueError("no"), Outcome(Retrying(run_count=1)), None])

    def work() -> int:
        error = next(turns)
        if error is not None:
            raise error
        return 1

    assert perform(run, work).is_successful()
    assert told(run) == told(journal) == []


def test_a_run_that_waits_for_its_time_is_refused_nothing(journal: Any) -> None:
    run = TaskRun("r", journal=journal)
    run.schedule(start_time=ambient.now().add(microseconds=30_000))

    assert perform(run, lambda: 1).is_successful()
    assert told(run) == told(journal) == []


def test_a_state_that_a_task_may_not_return_is_remembered() -> None:
    run = TaskRun("r")

    perform(run, lambda: Pending())

    assert run.state.is_failed()
    assert list(run.history)[-1].event == "fail"


# Stories.


def test_a_story_tells_what_was_refused_between_the_steps(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.schedule(start_time=clock().add(hours=1))
    clock.advance(minutes=1)
    refused(run, "start")
    refused(run, "start")
    clock.advance(hours=1)
    run.start()
    refused(run, "resume")

    assert [(line.seq, line.event) for line in run.story().lines] == [
        (1, "schedule"),
        (None, "start"),
        (2, "start"),
        (None, "resume"),
    ]
    assert (
        run.story()
        .lines[1]
        .text.startswith("start was refused twice, the last time: cannot start from")
    )
    # Another process knows the same, but for how often.
    assert [line.seq for line in read_story(journal, "r").lines] == [1, None, 2, None]


def test_a_story_of_a_run_that_was_only_refused_says_so() -> None:
    run = TaskRun("r")
    refused(run, "succeed")

    assert "succeed was refused: cannot succeed from Pending" in str(run.story())


def test_a_refusal_follows_the_step_after_which_it_was_whatever_the_clock_says(
    journal: Any, clock: HandClock
) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    refused(run, "resume")
    run.pause()  # at the same time
    clock.jump(hours=-1)
    refused(run, "succeed")
    run.resume()

    expected = ["start", "resume", "pause", "succeed", "resume"]
    assert [line.event for line in run.story().lines] == expected
    assert [line.event for line in read_story(journal, "r").lines] == expected


# Whatever becomes of a note, the refusal reaches who asked, and the run goes on.


class Unheard(datetime.tzinfo):
    """A zone that breaks."""

    def utcoffset(self, at: datetime.datetime | None) -> datetime.timedelta:
        raise RuntimeError("no such zone")


def odd_answer(run: Any, step: Any) -> Any:
    return datetime.datetime(2020, 1, 1, tzinfo=Unheard())


class Nameless:
    """A guard whose name is none."""

    __name__ = 7

    def __call__(self, run: Any, step: Any) -> bool:
        return False


class Odd(Run):
    """Guards that no one can tell of."""

    begin = event(Running, source=Pending)
    answered = event(Finished, source=Running, conditions=[odd_answer])
    named = event(Success, source=Running, conditions=[Nameless()])


@pytest.mark.parametrize("name", ["answered", "named"])
def test_a_refusal_that_no_one_can_tell_of_leaves_the_run_alive(name: str, journal: Any) -> None:
    run = Odd("r", journal=journal)
    run.begin()

    with pytest.raises(GuardRejected):
        run.trigger(name)
    with pytest.raises(GuardRejected):
        asyncio.run(getattr(run, name).aio())

    assert run._owner is None
    assert "while its text was built" in run.refusals[0].reason
    assert "while its text was built" in str(run.story())


def test_a_loop_whose_threads_are_gone_does_not_hide_a_refusal(tmp_path: Any) -> None:
    async def ask(run: TaskRun) -> None:
        await asyncio.get_running_loop().shutdown_default_executor()
        with pytest.raises(TransitionNotAllowed):
            await run.resume.aio()

    with open_journal(tmp_path / "runs.db") as journal:
        run = TaskRun("r", journal=journal)
        run.start()
        asyncio.run(ask(run))

        assert told(run) == [(1, "resume", "Running")]


def test_nobody_waits_for_a_note(tmp_path: Any) -> None:
    with SQLiteJournal(tmp_path / "runs.db", patience=60) as journal:
        run = TaskRun("r", journal=journal)
        run.start()
        other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # as somebody who writes for long
        asking = threading.Thread(target=refused, args=(run, "resume"))
        asking.start()
        asking.join(20)
        waited = asking.is_alive()
        other.execute("ROLLBACK")
        other.close()
        asking.join()
        assert not waited
        assert told(journal) == []

        refused(run, "resume")  # what could not be kept is tried again

        assert told(journal) == [(1, "resume", "Running")]


def test_who_approves_what_a_guard_forbids_is_told(journal: Any) -> None:
    class Locked(TaskRun):
        """Nobody may go on."""

        resume = event(Resume, source=Paused, conditions=[lambda run, step: False])

    run = Locked("r", journal=journal)
    run.pause()

    with pytest.raises(GuardRejected):
        approve(journal, "r", by="Ada", cls=Locked)

    assert [(each.event, each.who) for each in journal.refusals()] == [("resume", "Ada")]
