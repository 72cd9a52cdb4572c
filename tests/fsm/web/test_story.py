"""What the page shows of a run besides its steps: its story, its refusals, late results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fsm import MemoryJournal, Run, TaskRun, event, open_journal
from fsm.errors import LifecycleError, StaleRun, TransitionError, UnknownRun
from fsm.journal import Journal
from fsm.lifecycle.refusal import Refusal
from fsm.operations.control import restore_task_run
from fsm.testing import HandClock
from fsm.web.actions import ACTIONS, act, why_not
from fsm.web.classes import KnownClasses
from fsm.web.story import MOST, notes, story
from fsm.web.views import history
from states import Finished, Paused, Pending, Running

CATALOG = KnownClasses((TaskRun,))


@pytest.fixture
def kept(tmp_path: Path) -> Journal:
    return open_journal(tmp_path / "runs.db")


def refuse(run: Run, event: str) -> None:
    with pytest.raises(TransitionError):
        run.trigger(event)


def come_late(journal: Journal, clock: HandClock) -> None:
    """Let a run be cancelled before its worker, who has lost it, says that it succeeded."""
    TaskRun("load", journal=journal, clock=clock).start()
    (claim,) = journal.claim(owner="worker-1", run="load", now=clock())
    late = TaskRun.restore("load", claim, clock=clock)
    journal.revoke("load", owner="worker-1", now=clock())
    TaskRun.restore("load", journal, clock=clock).cancel()
    clock.advance(seconds=2)
    with pytest.raises(StaleRun):
        late.succeed(result=2**60)


# What is no step.


def test_what_was_refused_is_noted_with_its_reason(kept: Journal) -> None:
    clock = HandClock()
    run = TaskRun("load", journal=kept, clock=clock)
    run.start()
    clock.advance(seconds=1)
    refuse(run, "resume")

    (note,) = history(kept, "load")["notes"]

    assert (note["what"], note["event"], note["state"]) == ("refused", "resume", "Running")
    assert note["at"] == "2020-01-01 00:00:01.000"
    assert note["reason"].startswith("cannot resume from Running")


def test_a_late_result_is_noted_with_its_payload(kept: Journal) -> None:
    come_late(kept, HandClock())

    (note,) = history(kept, "load")["notes"]

    assert (note["what"], note["event"], note["state"]) == ("late", "succeed", "Success")
    assert note["who"] == "worker-1"
    assert str(2**60) in note["payload"]
    assert note["reason"] == "cancel: Running \N{RIGHTWARDS ARROW} Cancelled"


def test_a_page_with_all_steps_still_gets_new_refusals(kept: Journal) -> None:
    run = TaskRun("load", journal=kept, clock=HandClock())
    run.start()
    before = history(kept, "load", 1)
    refuse(run, "resume")

    after = history(kept, "load", 1)

    assert (before["steps"], after["steps"]) == ([], [])
    assert (before["notes"], len(after["notes"])) == ([], 1)


def test_notes_have_an_end() -> None:
    journal = MemoryJournal()
    TaskRun("load", journal=journal, clock=HandClock()).start()
    for place in range(MOST + 5):
        journal.note_refusal(Refusal("load", 1, f"e{place}", "Running", place, "z" * 9999))

    found = notes(journal, "load")

    assert len(found) == MOST
    assert found[-1]["event"] == f"e{MOST + 4}"
    assert max(len(note["reason"]) for note in found) < 2100


# Its story.


def test_a_story_says_what_it_waits_for(kept: Journal) -> None:
    run = TaskRun("deploy", journal=kept, clock=HandClock())
    run.pause(message="look at it first")
    refuse(run, "retry")

    said = story(kept, "deploy")

    assert said["status"] == ["It waits to be resumed."]
    assert [line["text"].partition(":")[0] for line in said["lines"]] == [
        "it was paused", "retry was refused",
    ]  # fmt: skip


def test_an_unknown_run_has_no_story(kept: Journal) -> None:
    with pytest.raises(UnknownRun):
        story(kept, "nobody")


# What would be refused.


def refusal(journal: Journal, action: str, run: str) -> str | None:
    """Why the action is refused, when it is tried."""
    try:
        (acted, *_) = act(journal, {"action": action, "run": run, "by": "ada"}, CATALOG)
    except LifecycleError as refused:
        return str(refused)
    return None if acted["refused"] is None else str(acted["refused"])


def scheduled(run: TaskRun) -> None:
    run.schedule(start_time=HandClock()().add(days=400_000 // 365))


WAYS: dict[str, Callable[[TaskRun], object]] = {
    "Running": lambda run: run.start(),
    "Paused": lambda run: run.pause(),
    "Cancelled": lambda run: run.cancel(),
    "Skipped": lambda run: run.skip(),
    "Success": lambda run: (run.start(), run.succeed()),
    "Failed for good": lambda run: (run.start(), run.fail()),
    "Scheduled": scheduled,
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("way", WAYS)
def test_why_not_equals_the_error_of_the_action(way: str, action: str, kept: Journal) -> None:
    WAYS[way](TaskRun("load", journal=kept))

    said = why_not(kept, "load", CATALOG)[action]

    assert said == refusal(kept, action, "load")


def test_a_run_with_attempts_left_may_retry(kept: Journal) -> None:
    run = TaskRun("load", journal=kept, max_retries=1)
    run.start()
    run.fail()

    said = why_not(kept, "load", CATALOG)

    assert [action for action, reason in said.items() if reason is None] == ["retry"]


def test_to_ask_why_not_leaves_no_trace(kept: Journal) -> None:
    run = TaskRun("load", journal=kept)
    run.start()
    run.fail()
    before = kept.changes()

    why_not(kept, "load", CATALOG)

    assert kept.changes() == before
    assert list(kept.refusals("load")) == []


def broken(run: Run, step: object) -> bool:
    raise ZeroDivisionError("division by zero")


class Order(Run):
    """A lifecycle in which one can be paused, but not cancelled, and a guard is broken."""

    pause = event(Paused, source=Pending)
    resume = event(Running, source=Paused, conditions=[broken])
    finish = event(Finished, source=Running)


def test_a_class_that_was_named_answers_by_its_own_table(kept: Journal) -> None:
    Order("order", journal=kept).pause()

    said = why_not(kept, "order", KnownClasses((TaskRun, Order)))

    assert said["resume"] == "division by zero"
    assert said["cancel"] is not None
    assert "cancel" in said["cancel"]


class Parcel(Run):
    """Neither what `TaskRun` knows, nor known to the page."""

    send = event(Running, source=Pending)


@pytest.mark.parametrize("action", ACTIONS)
def test_edges_that_only_the_journal_knows_count(action: str, kept: Journal) -> None:
    Order("order", journal=kept).pause()  # as a task may be; what comes then is another matter

    said = why_not(kept, "order", CATALOG)[action]

    assert said is not None
    assert refusal(kept, action, "order") is not None


def test_a_kind_with_the_edges_of_a_task_is_taken_for_one(kept: Journal) -> None:
    class Load(TaskRun):
        pass

    Load("load", journal=kept).pause()

    assert why_not(kept, "load", CATALOG)["resume"] is None


def test_a_run_that_cannot_be_read_refuses_whatever_is_asked(kept: Journal) -> None:
    Parcel("parcel", journal=kept).send()
    with pytest.raises(LifecycleError) as refused:
        restore_task_run("parcel", kept)

    assert set(why_not(kept, "parcel", CATALOG).values()) == {str(refused.value)}


def test_a_reason_has_an_end(kept: Journal) -> None:
    def tells(run: Run, step: object) -> bool:
        raise ValueError("x" * 1_000_000)

    class Told(Run):
        pause = event(Paused, source=Pending)
        cancel = event(Finished, source=Paused, conditions=[tells])

    Told("told", journal=kept).pause()

    said = why_not(kept, "told", KnownClasses((Told,)))["cancel"]

    assert said is not None
    assert len(said) < 2100


def test_an_unknown_run_has_no_refusals(kept: Journal) -> None:
    with pytest.raises(UnknownRun):
        why_not(kept, "nobody", CATALOG)
