"""Operations on runs of other processes, through their journal."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from fsm import (
    CorruptJournal,
    GuardRejected,
    MemoryJournal,
    Run,
    StaleRun,
    Step,
    TaskRun,
    TransitionError,
    TransitionNotAllowed,
    event,
)
from fsm.errors import InvalidArgument, UnknownRun
from fsm.flow.task import task
from fsm.operations import approve, cancel, rerun_children, resume, retry
from fsm.operations.control import restore_task_run
from states import Cancelled, Failed, Pending, Resume, Retrying, Running


def paused(journal: Any, id: str = "r", **context: Any) -> TaskRun:
    run = TaskRun(id, journal=journal)
    run.start()
    run.pause(message="may I?", context=context or None)
    return run


def failed(journal: Any, id: str = "r", **policy: Any) -> TaskRun:
    run = TaskRun(id, journal=journal, **policy)
    run.start()
    run.fail()
    return run


def test_an_approval_names_the_person(journal: Any) -> None:
    run = paused(journal, ticket=7)

    state = approve(journal, "r", by="ada")

    assert isinstance(state, Resume)
    assert state.message == "Approved by ada"
    assert state.context == {"ticket": 7, "approved_by": "ada"}
    run.catch_up()
    assert run.state == state
    assert run.resumed


def test_an_approval_may_have_a_message(journal: Any) -> None:
    paused(journal)

    state = approve(journal, "r", by="ada", message="looks good")

    assert (state.message, state.context) == ("looks good", {"approved_by": "ada"})


def test_only_a_paused_run_can_be_approved(journal: Any) -> None:
    TaskRun("r", journal=journal).start()

    with pytest.raises(
        TransitionError, match="cannot approve from Running; only a Paused run waits for approval"
    ):
        approve(journal, "r", by="ada")
    assert journal.summary("r").steps == 1


@pytest.mark.parametrize("by", ["", None, 7])
def test_an_approval_needs_a_name(by: Any) -> None:
    journal = MemoryJournal()
    paused(journal)

    with pytest.raises(InvalidArgument):
        approve(journal, "r", by=by)


def test_a_resumed_run_is_due_at_once(journal: Any) -> None:
    paused(journal)
    assert not list(journal.due())

    resume(journal, "r", message="go")

    assert [(each.run, each.message) for each in journal.due()] == [("r", "go")]


def test_a_run_that_is_not_paused_is_not_resumed(journal: Any) -> None:
    failed(journal)

    with pytest.raises(TransitionNotAllowed, match="cannot resume from Failed"):
        resume(journal, "r")


def test_an_unknown_run_is_an_error(journal: Any) -> None:
    with pytest.raises(UnknownRun):
        resume(journal, "r")
    with pytest.raises(UnknownRun):
        list(rerun_children(journal, "r"))
    (result,) = cancel(journal, "r")
    assert isinstance(result.error, UnknownRun)


# Cancel.


def mapped(journal: Any) -> TaskRun:
    """A mapped run with a child that runs, one that failed, and one that has not begun."""
    parent = TaskRun("r", journal=journal)
    parent.map(map_states=[None] * 3)
    TaskRun("r[0]", journal=journal).start()
    failed(journal, "r[1]")
    TaskRun("r[2]", journal=journal).submit()
    return parent


def test_cancelling_a_run_cancels_its_children_after_it(journal: Any) -> None:
    mapped(journal)

    results = list(cancel(journal, "r", message="enough"))

    assert [(each.run, type(each.state)) for each in results] == [
        ("r", Cancelled), ("r[0]", Cancelled), ("r[2]", Cancelled),
    ]  # fmt: skip
    assert [each.state.message for each in results if each.state] == ["enough"] * 3
    assert journal.summary("r[1]").state == "Failed"


def test_a_cancel_that_was_interrupted_reaches_the_children_when_repeated(journal: Any) -> None:
    mapped(journal).cancel()

    results = list(cancel(journal, "r"))

    assert [each.run for each in results] == ["r", "r[0]", "r[2]"]
    assert journal.summary("r").steps == 2


def test_the_children_of_a_parent_that_cannot_be_cancelled_continue(journal: Any) -> None:
    failed(journal)
    TaskRun("r[0]", journal=journal).start()

    (result,) = cancel(journal, "r")

    assert isinstance(result.error, TransitionNotAllowed)
    assert journal.summary("r[0]").state == "Running"


# Retry.


def test_a_failed_run_is_retried_as_its_policy_allows(journal: Any) -> None:
    failed(journal, max_retries=1)

    assert isinstance(retry(journal, "r"), Retrying)
    assert journal.summary("r").steps == 3


def test_a_retry_is_refused_when_no_attempts_are_left(journal: Any) -> None:
    failed(journal)

    with pytest.raises(GuardRejected, match="1 of 1 attempts are used"):
        retry(journal, "r")
    assert journal.summary("r").steps == 2


def test_a_forced_retry_is_a_rerun(journal: Any) -> None:
    failed(journal)

    retry(journal, "r", force=True)

    assert list(journal.records("r"))[-1].event == "rerun"


def test_a_forced_retry_that_the_policy_allows_is_a_retry(journal: Any) -> None:
    failed(journal, max_retries=1)

    retry(journal, "r", force=True)

    assert list(journal.records("r"))[-1].event == "retry"


def test_a_running_run_cannot_be_retried(journal: Any) -> None:
    TaskRun("r", journal=journal, max_retries=1).start()

    with pytest.raises(
        TransitionError, match="cannot retry from Running; only a failed run can be retried"
    ):
        retry(journal, "r")


def test_only_the_failed_children_are_rerun(journal: Any) -> None:
    mapped(journal)

    results = list(rerun_children(journal, "r"))

    assert [(each.run, type(each.state)) for each in results] == [("r[1]", Retrying)]
    assert journal.summary("r[0]").state == "Running"


# Races.


def test_after_a_race_the_operation_is_decided_by_the_new_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    failed(journal, max_retries=5)
    appended = MemoryJournal.append
    raced = iter([True])

    def append(self: Any, step: Step, *args: Any, **kwargs: Any) -> None:
        if next(raced, False):
            TaskRun.restore("r", journal).retry()
        appended(self, step, *args, **kwargs)

    monkeypatch.setattr(MemoryJournal, "append", append)

    with pytest.raises(TransitionNotAllowed, match="cannot retry from Retrying"):
        retry(journal, "r")
    assert journal.summary("r").steps == 3


def test_losing_a_race_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    paused(journal)

    def append(self: Any, step: Step, *args: Any, **kwargs: Any) -> None:
        raise StaleRun(step.run, step.seq, "another step")

    monkeypatch.setattr(MemoryJournal, "append", append)

    with pytest.raises(StaleRun):
        resume(journal, "r")


def test_cancelling_a_run_that_was_cancelled_meanwhile_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    TaskRun("r", journal=journal).start()
    appended = MemoryJournal.append
    raced = iter([True])

    def append(self: Any, step: Step, *args: Any, **kwargs: Any) -> None:
        if next(raced, False):
            TaskRun.restore("r", journal).cancel()
        appended(self, step, *args, **kwargs)

    monkeypatch.setattr(MemoryJournal, "append", append)

    (result,) = cancel(journal, "r")
    assert isinstance(result.state, Cancelled)


# Classes.


@task(max_retries=2)
def load(url: str) -> int:
    return len(url)


def test_a_run_of_a_task_is_moved_without_its_class(journal: Any) -> None:
    run = load.with_options(journal=journal, id="r").submit("a")
    run.start()
    run.fail()

    assert isinstance(retry(journal, "r"), Retrying)
    assert journal.summary("r").kind.endswith("test_control:load")


def test_the_listeners_of_a_given_class_are_called(journal: Any) -> None:
    class Loud(TaskRun):
        pass

    called: list[str] = []
    Loud.after("resume")(lambda run, step: called.append(step.run))
    run = Loud("r", journal=journal)
    run.pause()

    resume(journal, "r", cls=Loud)

    assert called == ["r"]


def test_the_journal_refuses_a_step_that_the_real_class_does_not_have(tmp_path: Any) -> None:
    from fsm.journal.sqlite.journal import SQLiteJournal

    class Stubborn(TaskRun):
        resume = None  # type: ignore[assignment]  # which takes the row away

    with SQLiteJournal(tmp_path / "r.db") as journal:
        run = Stubborn("r", journal=journal)
        run.pause()

        with pytest.raises(Exception, match="resume"):
            resume(journal, "r")
        assert journal.summary("r").steps == 1


def test_a_run_that_is_no_task_run_needs_its_class(journal: Any) -> None:
    @attrs.frozen
    class Reviewed(Pending):
        pass

    class Reviewing(Run):
        review = event(Reviewed, source=Pending)

    Reviewing("r", journal=journal).review()

    with pytest.raises(CorruptJournal):
        resume(journal, "r")


def test_a_policy_that_cannot_be_read_is_an_error(journal: Any) -> None:
    class Odd(TaskRun):
        def settings(self) -> Any:
            return {"policy": {"max_retries": "many"}}

    Odd("r", journal=journal).start()

    with pytest.raises(CorruptJournal, match="its policy cannot be read"):
        restore_task_run("r", journal)
    run = restore_task_run("r", journal, TaskRun.default_policy)
    assert isinstance(run.state, Running)
    assert isinstance(run.fail(), Failed)
