"""MemoryJournal: what only it does."""

from __future__ import annotations

from collections.abc import Callable

from fsm import MemoryJournal, Step, TaskRun


def test_its_repr_counts_the_runs(step: Callable[..., Step]) -> None:
    journal = MemoryJournal()
    journal.append(step())

    assert repr(journal) == "<MemoryJournal of 1 runs>"
    assert not journal.blocking


def test_steps_read_do_not_grow(step: Callable[..., Step]) -> None:
    journal = MemoryJournal()
    journal.append(step())
    kept = journal.steps("r")
    journal.append(step(seq=2))

    assert len(list(kept)) == 1


def test_a_kept_step_does_not_change_with_the_context_of_the_live_state() -> None:
    journal = MemoryJournal()
    run = TaskRun("r", journal=journal)
    run.start(context={"a": 1})
    run.state.context["b"] = 2  # type: ignore[index]  # as old code does

    (kept,) = journal.steps("r")

    assert dict(kept.dest.context) == {"a": 1}


def test_a_message_that_cannot_be_read_does_not_hide_the_runs() -> None:
    class Mute:
        def __str__(self) -> str:
            raise ValueError("mute")

    journal = MemoryJournal()
    TaskRun("r", journal=journal).start(message=Mute())

    assert [summary.run for summary in journal.runs()] == ["r"]


def test_a_kept_step_does_not_change_with_a_list_in_the_context() -> None:
    journal, context = MemoryJournal(), {"k": [1]}
    TaskRun("r", journal=journal).start(context=context)

    context["k"].append(2)

    assert TaskRun.restore("r", journal).state.context == {"k": [1]}
