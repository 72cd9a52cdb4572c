"""Acting: what a person says reaches a run through its journal."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from fsm import (
    CorruptJournal,
    GuardRejected,
    InvalidArgument,
    MemoryJournal,
    Run,
    StaleRun,
    Step,
    TaskRun,
    TransitionError,
    TransitionNotAllowed,
    UnknownRun,
    event,
)
from fsm.flow.task import task
from fsm.operations.control import approve, bare, cancel, rerun_children, resume, retry
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


def test_an_approval_says_who_gave_it(journal: Any) -> None:
    run = paused(journal, ticket=7)

    state = approve(journal, "r", by="ada")

    assert isinstance(state, Resume)
    assert state.message == "Approved by ada"
    assert state.context == {"ticket": 7, "approved_by": "ada"}
    run.catch_up()
    assert run.state == state
    assert run.resumed


def test_an_approval_may_say_more(journal: Any) -> None:
    paused(journal)

    state = approve(journal, "r", by="ada", message="looks good")

    assert (state.message, state.context) == ("looks good", {"approved_by": "ada"})


def test_only_what_is_paused_is_approved(journal: Any) -> None:
    TaskRun("r", journal=journal).start()

    with pytest.raises(TransitionError, match="run 'r' waits for nobody's word: it is Running"):
        approve(journal, "r", by="ada")
    assert journal.summary("r").steps == 1


@pytest.mark.parametrize("by", ["", None, 7])
def test_who_approves_has_a_name(by: Any) -> None:
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


def test_a_run_that_nobody_knows_is_not_acted_on(journal: Any) -> None:
    with pytest.raises(UnknownRun):
        resume(journal, "r")
    with pytest.raises(UnknownRun):
        list(rerun_children(journal, "r"))
    (acted,) = cancel(journal, "r")
    assert isinstance(acted.refused, UnknownRun)


# Cancel.


def mapped(journal: Any) -> TaskRun:
    """A mapped run with a child that runs, one that failed, and one that has not begun."""
    parent = TaskRun("r", journal=journal)
    parent.map(map_states=[None] * 3)
    TaskRun("r[0]", journal=journal).start()
    failed(journal, "r[1]")
    TaskRun("r[2]", journal=journal).submit()
    return parent


def test_a_cancelled_run_takes_its_children_along_parent_first(journal: Any) -> None:
    mapped(journal)

    acted = list(cancel(journal, "r", message="enough"))

    assert [(each.run, type(each.state)) for each in acted] == [
        ("r", Cancelled), ("r[0]", Cancelled), ("r[2]", Cancelled),
    ]  # fmt: skip
    assert [each.state.message for each in acted if each.state] == ["enough"] * 3
    assert journal.summary("r[1]").state == "Failed"


def test_a_cancel_that_was_cut_short_reaches_the_children_the_second_time(journal: Any) -> None:
    mapped(journal).cancel()

    acted = list(cancel(journal, "r"))

    assert [each.run for each in acted] == ["r", "r[0]", "r[2]"]
    assert journal.summary("r").steps == 2


def test_the_children_of_a_parent_that_is_not_cancelled_go_on(journal: Any) -> None:
    failed(journal)
    TaskRun("r[0]", journal=journal).start()

    (acted,) = cancel(journal, "r")

    assert isinstance(acted.refused, TransitionNotAllowed)
    assert journal.summary("r[0]").state == "Running"


# Retry.


def test_a_failed_run_tries_again_as_its_policy_allows(journal: Any) -> None:
    failed(journal, max_retries=1)

    assert isinstance(retry(journal, "r"), Retrying)
    assert journal.summary("r").steps == 3


def test_a_policy_that_is_used_up_says_so(journal: Any) -> None:
    failed(journal)

    with pytest.raises(GuardRejected, match="1 of 1 attempts are used"):
        retry(journal, "r")
    assert journal.summary("r").steps == 2


def test_by_force_it_is_run_once_more(journal: Any) -> None:
    failed(journal)

    retry(journal, "r", force=True)

    assert list(journal.records("r"))[-1].event == "rerun"


def test_force_is_not_needed_where_the_policy_allows(journal: Any) -> None:
    failed(journal, max_retries=1)

    retry(journal, "r", force=True)

    assert list(journal.records("r"))[-1].event == "retry"


def test_a_run_that_runs_is_not_retried_under_its_worker(journal: Any) -> None:
    TaskRun("r", journal=journal, max_retries=1).start()

    with pytest.raises(TransitionError, match="can be retried when it has failed"):
        retry(journal, "r")


def test_the_failed_children_are_run_again_and_no_others(journal: Any) -> None:
    mapped(journal)

    acted = list(rerun_children(journal, "r"))

    assert [(each.run, type(each.state)) for each in acted] == [("r[1]", Retrying)]
    assert journal.summary("r[0]").state == "Running"


# Races.


def test_somebody_who_is_faster_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_who_is_late_twice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    paused(journal)

    def append(self: Any, step: Step, *args: Any, **kwargs: Any) -> None:
        raise StaleRun(step.run, step.seq, "somebody's")

    monkeypatch.setattr(MemoryJournal, "append", append)

    with pytest.raises(StaleRun):
        resume(journal, "r")


def test_who_cancels_what_was_cancelled_meanwhile_has_what_they_want(
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

    (acted,) = cancel(journal, "r")
    assert isinstance(acted.state, Cancelled)


# Classes.


@task(max_retries=2)
def load(url: str) -> int:
    return len(url)


def test_a_run_of_a_task_is_acted_on_without_its_class(journal: Any) -> None:
    run = load.with_options(journal=journal, id="r").submit("a")
    run.start()
    run.fail()

    assert isinstance(retry(journal, "r"), Retrying)
    assert journal.summary("r").kind.endswith("test_control:load")


def test_the_listeners_of_a_class_that_is_named_are_told(journal: Any) -> None:
    class Loud(TaskRun):
        pass

    told: list[str] = []
    Loud.after("resume")(lambda run, step: told.append(step.run))
    run = Loud("r", journal=journal)
    run.pause()

    resume(journal, "r", cls=Loud)

    assert told == ["r"]


def test_the_rules_of_its_real_class_hold(tmp_path: Any) -> None:
    from fsm.journal.sqlite.journal import SQLiteJournal

    class Stubborn(TaskRun):
        resume = None  # type: ignore[assignment]  # which takes the row away

    with SQLiteJournal(tmp_path / "r.db") as journal:
        run = Stubborn("r", journal=journal)
        run.pause()

        with pytest.raises(Exception, match="resume"):
            resume(journal, "r")
        assert journal.summary("r").steps == 1


def test_a_history_that_is_no_task_runs_needs_its_class(journal: Any) -> None:
    @attrs.frozen
    class Reviewed(Pending):
        pass

    class Reviewing(Run):
        review = event(Reviewed, source=Pending)

    Reviewing("r", journal=journal).review()

    with pytest.raises(CorruptJournal):
        resume(journal, "r")


def test_a_policy_that_cannot_be_read_is_said(journal: Any) -> None:
    class Odd(TaskRun):
        def settings(self) -> Any:
            return {"policy": {"max_retries": "many"}}

    Odd("r", journal=journal).start()

    with pytest.raises(CorruptJournal, match="its policy cannot be read"):
        bare("r", journal)
    run = bare("r", journal, TaskRun.default_policy)
    assert isinstance(run.state, Running)
    assert isinstance(run.fail(), Failed)
