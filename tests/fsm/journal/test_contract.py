"""The contract: what every journal must do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm import Journal, JournalError, MemoryJournal, StaleRun, Step, TaskRun
from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal import Summary
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.lifecycle import Refusal
from fsm.testing import HandClock
from states import Failed, Running, Scheduled


def test_it_is_a_journal(journal: Any) -> None:
    assert isinstance(journal, Journal)
    assert isinstance(journal.blocking, bool)


def test_an_appended_step_is_kept(journal: Any, step: Callable[..., Step], written: Any) -> None:
    first, second = step(), step(seq=2, dest=Failed("m"))._replace(source=Running())
    journal.append(first)
    journal.append(second)

    assert [written(kept) for kept in journal.steps("r")] == [written(first), written(second)]


def test_runs_are_kept_apart(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step("a"))
    journal.append(step("b"))

    assert [kept.run for kept in journal.steps("b")] == ["b"]


def test_two_steps_cannot_have_one_place(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step())

    with pytest.raises(StaleRun) as caught:
        journal.append(step(event="skip", dest=Failed()))

    assert (caught.value.run, caught.value.seq) == ("r", 1)
    assert "start: Pending → Running" in caught.value.winner
    assert [kept.event for kept in journal.steps("r")] == ["start"]


@pytest.mark.parametrize("more", [{}, {"key": "k"}], ids=str)
def test_a_kept_step_does_not_change_with_the_callers_context(
    journal: Any, step: Callable[..., Step], more: dict[str, Any]
) -> None:
    kept = step(dest=Running(context={"a": [1]}))._replace(**more)
    journal.append(kept, outbox=["mail"] if more else ())

    kept.dest.context["a"].append(2)

    assert [dict(each.dest.context) for each in journal.steps("r")] == [{"a": [1]}]
    assert [each.key for each in journal.steps("r")] == [kept.key]


def test_a_request_is_answered_once_in_a_run(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step()._replace(key="request-1"))

    with pytest.raises(StaleRun, match="'request-1'"):
        journal.append(step(seq=2, dest=Running())._replace(key="request-1"))

    journal.append(step("other")._replace(key="request-1"))
    assert len(list(journal.steps("r"))) == 1


def test_a_step_follows_the_one_before(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step())

    with pytest.raises(StaleRun):
        journal.append(step(seq=3))

    assert len(list(journal.steps("r"))) == 1


def test_a_second_step_without_a_first_is_refused(journal: Any, step: Callable[..., Step]) -> None:
    with pytest.raises(StaleRun):
        journal.append(step(seq=2))

    with pytest.raises(UnknownRun):
        journal.steps("r")


def test_the_same_step_again_is_stale_in_every_journal(
    tmp_path: Any, step: Callable[..., Step]
) -> None:
    answers = []
    for journal in (MemoryJournal(), SQLiteJournal(tmp_path / "runs.db")):
        one = step()
        journal.append(one)
        try:
            journal.append(one)
            answers.append("accepted")
        except StaleRun:
            answers.append("refused")

    assert len(set(answers)) == 1


def test_a_name_has_at_most_200_characters(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step(event="e" * 200))

    with pytest.raises(InvalidArgument, match=r"^the name 'e+'.* has 201 characters; "):
        journal.append(step(seq=2, event="e" * 201))
    with pytest.raises(InvalidArgument, match="has 201 characters"):
        journal.extend([step(seq=2, event="e" * 201)])
    with pytest.raises(InvalidArgument, match="has 201 characters"):
        journal.note_refusal(Refusal("r", 1, "e" * 201, "Running", 0, "no"))

    assert journal.summary("r").steps == 1
    assert list(journal.refusals()) == []


def test_an_unknown_run_is_named(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step())

    with pytest.raises(UnknownRun, match="no run 'x' in"):
        journal.steps("x")


def test_a_summary_says_how_a_run_stands(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    run.start()
    clock.advance(seconds=5)
    run.fail("broken")

    (summary,) = journal.runs()

    began, moved = summary.began, summary.moved
    assert summary == Summary(
        "r", "Failed", "broken", 2, began, moved, kind="fsm:TaskRun", phase="failed"
    )
    assert summary.moved - summary.began == 5_000_000
    assert summary.began_at == run.history[0].at
    assert summary.moved_at == run.history[1].at


@pytest.mark.parametrize("message", [5, ValueError("x"), None, "text", True], ids=repr)
def test_a_summarys_message_is_text_or_nothing(journal: Any, message: Any) -> None:
    TaskRun("r", journal=journal).fail(message=message)

    (summary,) = journal.runs()

    assert summary.message is None if message is None else isinstance(summary.message, str)


def test_runs_come_in_the_order_they_began(journal: Any, clock: HandClock) -> None:
    for id in ("c", "a", "b"):
        TaskRun(id, journal=journal, clock=clock).start()
        clock.advance(seconds=1)

    assert [summary.run for summary in journal.runs()] == ["c", "a", "b"]


def test_runs_of_one_moment_are_sorted_by_id(journal: Any, clock: HandClock) -> None:
    for id in ("c", "a", "b"):
        TaskRun(id, journal=journal, clock=clock).start()

    assert [summary.run for summary in journal.runs()] == ["a", "b", "c"]


def test_a_closed_journal_may_be_used_again(journal: Any, step: Callable[..., Step]) -> None:
    journal.append(step())
    journal.close()
    journal.close()

    assert len(list(journal.steps("r"))) == 1


def test_its_repr_names_it(journal: Any) -> None:
    assert type(journal).__name__ in repr(journal)


def test_threads_append_side_by_side(journal: Any, step: Callable[..., Step]) -> None:
    def keep(number: int) -> None:
        for seq in range(1, 6):
            journal.append(step(f"r{number}", seq))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(8)))

    assert sorted(summary.steps for summary in journal.runs()) == [5] * 8


def test_a_history_is_read_while_another_thread_writes(
    journal: Any, step: Callable[..., Step]
) -> None:
    journal.append(step()._replace(dest=Running()))
    done = threading.Event()

    def keep() -> None:
        for seq in range(2, 60):
            journal.append(step(seq=seq)._replace(source=Running()))
        done.set()

    writer = threading.Thread(target=keep)
    writer.start()
    while not done.is_set():
        (summary,) = journal.runs()
        assert len(list(journal.steps("r"))) >= summary.steps
    writer.join()


@pytest.mark.parametrize("id", ["\ud800", [], {}], ids=repr)
def test_an_odd_id_is_an_unknown_run(tmp_path: Any, id: Any) -> None:
    for journal in (MemoryJournal(), SQLiteJournal(tmp_path / "runs.db")):
        with pytest.raises(JournalError):
            journal.steps(id)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
texts = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
)
names = st.dictionaries(
    st.text(st.characters(categories=["Ll"]), min_size=1, max_size=5), values, max_size=3
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(message=texts, result=values, context=names, inputs=names, times=st.integers(0, 3))
def test_a_restored_run_equals_the_saved_one(
    journal: Any, written: Any, message: Any, result: Any, context: Any, inputs: Any, times: int
) -> None:
    run = TaskRun(journal=journal, max_retries=9)
    run.start(message=message, context=context, cached_inputs=inputs)
    for _ in range(times):
        run.fail(message=message, result=result)
        run.retry()
        run.start()
    run.succeed(result=result)

    again = TaskRun.restore(run.id, journal)

    assert [written(step) for step in again.history] == [written(step) for step in run.history]
    assert again.state == run.state
    assert again.state.result == result
    assert again.policy == run.policy


def test_a_first_step_keeps_the_state_in_which_the_run_began(journal: Any) -> None:
    began = Scheduled("later", context={"a": 1})
    TaskRun("r", state=began, journal=journal).start()

    (kept,) = TaskRun.restore("r", journal).history

    assert kept.source == began
    assert kept.source.message == "later"
    assert dict(kept.source.context) == {"a": 1}
