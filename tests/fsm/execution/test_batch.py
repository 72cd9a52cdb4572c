"""Batch: calls that are performed together, each after those it comes after."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fsm import Call, JournalError, MemoryJournal, Runner, TaskRun
from fsm.errors import InvalidArgument
from fsm.execution import ResultOf
from fsm.execution.batch import Batch
from fsm.execution.call import check_calls
from fsm.execution.job import Job
from fsm.flow import Mapping
from fsm.tasks.trigger_rules import all_finished
from states import Cancelled, Failed, Mapped, Paused, Pending, Skipped, Success, TriggerFailed


def performed(*calls: Call) -> list[str]:
    with Runner(workers=2) as runner:
        return [type(state).__name__ for state in runner.perform_all(calls)]


def broken() -> None:
    raise ValueError("no")


def test_a_call_comes_after_those_it_names_in_whatever_order_they_are_given() -> None:
    order: list[str] = []
    a, b, c = TaskRun("a"), TaskRun("b"), TaskRun("c")

    ends = performed(
        Call(c, order.append, ("c",), after=[b]),
        Call(a, order.append, ("a",)),
        Call(b, order.append, ("b",), after=a),
    )

    assert ends == ["Success"] * 3
    assert order == ["a", "b", "c"]


def test_a_result_is_passed_on() -> None:
    a, b = TaskRun(), TaskRun()

    performed(Call(a, lambda: 20), Call(b, lambda x, y: x + y, (ResultOf(a),), {"y": ResultOf(a)}))

    assert b.state.result == 40


def test_a_failure_goes_down_as_far_as_trigger_rules_let_it() -> None:
    a, b, c = TaskRun(), TaskRun(), TaskRun()

    ends = performed(
        Call(a, broken), Call(b, broken, after=a), Call(c, int, after=b, trigger_rule=all_finished)
    )

    assert ends == ["Failed", "TriggerFailed", "Success"]


def test_calls_after_a_paused_run_do_not_begin() -> None:
    a, b, c, d = (TaskRun(id) for id in "abcd")

    ends = performed(
        Call(a, lambda: Paused()), Call(b, int), Call(c, int, after=[a, b]), Call(d, int, after=c)
    )

    assert ends == ["Paused", "Success", "Pending", "Pending"]
    assert not c.history


def test_a_call_after_a_mapped_run_waits_for_its_children() -> None:
    a, b = TaskRun("a"), TaskRun("b")

    ends = performed(
        Call(a, lambda number: Paused() if number else number, over=Mapping([0, 1])),
        Call(b, int, after=a),
    )

    assert ends == ["Mapped", "Pending"]


def test_a_journal_error_stops_the_calls_below_and_no_others() -> None:
    class Full(MemoryJournal):
        def append(self, *args: Any, **more: Any) -> None:
            raise JournalError("the disk is full")

    a, b, c = TaskRun("a", journal=Full()), TaskRun("b"), TaskRun("c")

    with Runner() as runner, pytest.raises(JournalError):
        runner.perform_all([Call(a, int), Call(b, int, after=a), Call(c, int)])

    assert [type(run.state) for run in (a, b, c)] == [Pending, Pending, Success]


@pytest.mark.parametrize(("above", "end"), [(broken, TriggerFailed), (lambda: Skipped(), Skipped)])
def test_a_map_over_a_missing_result_is_decided_by_its_trigger_rule(above: Any, end: Any) -> None:
    a, b = TaskRun("a"), TaskRun("b")

    performed(Call(a, above), Call(b, int, over=Mapping(ResultOf(a))))

    assert type(b.state) is end


def test_no_job_begins_once_the_run_of_the_batch_has_ended() -> None:
    """Those that were let go and have not begun are not waited for, either."""
    whole, a, b = TaskRun("whole"), TaskRun("a"), TaskRun("b")
    jobs = [Job(Call(a, int)), Job(Call(b, int, after=a))]
    group = Batch(jobs).group
    group.parent = Job(Call(whole, int))
    begun = group.next()
    assert begun is jobs[0]
    a.start(), a.succeed()
    group.active -= 1
    group.on_end(begun)
    assert not group.is_over

    whole.cancel()
    group.stop()

    assert group.next() is None
    assert group.is_over


def test_no_job_is_released_once_the_run_of_the_batch_has_ended() -> None:
    whole, a, b = TaskRun("whole"), TaskRun("a"), TaskRun("b")
    jobs = [Job(Call(a, int)), Job(Call(b, int, after=a))]
    group = Batch(jobs).group
    group.parent = Job(Call(whole, int))
    begun = group.next()
    assert begun is not None
    a.start(), a.succeed()
    whole.cancel()

    group.active -= 1
    group.on_end(begun)

    assert group.next() is None
    assert group.is_over


def test_a_call_after_two_that_end_together_is_called_once() -> None:
    both = threading.Barrier(2)
    a, b, c = TaskRun("a"), TaskRun("b"), TaskRun("c")
    called: list[int] = []

    with Runner(workers=2) as runner:
        runner.perform_all([
            Call(a, lambda: both.wait(10)), Call(b, lambda: both.wait(10)),
            Call(c, lambda: called.append(1), after=[a, b]),
        ])  # fmt: skip

    assert called == [1]


# What is refused.


def test_a_circle_is_named_in_the_order_it_is_waited_in() -> None:
    a, b, c = TaskRun("a"), TaskRun("b"), TaskRun("c")

    with pytest.raises(InvalidArgument) as refused:
        check_calls([Call(a, int, after=c), Call(b, int, after=a), Call(c, int, after=b)])

    assert "'a' after 'c'" in str(refused.value) or "'b' after 'a'" in str(refused.value)
    assert "'a' after 'b'" not in str(refused.value)


def test_a_second_object_of_the_same_run_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="another 'a' than is among the calls"):
        check_calls([Call(TaskRun("a"), int), Call(TaskRun("b"), int, after=TaskRun("a"))])


@pytest.mark.parametrize("state", [Pending(), Mapped(map_states=[None])], ids=repr)
def test_a_run_outside_of_the_batch_has_to_have_ended(state: Any) -> None:
    with pytest.raises(InvalidArgument, match="not among the calls"):
        check_calls([Call(TaskRun(), int, after=TaskRun(state=state))])


@pytest.mark.parametrize("state", [Failed(), Cancelled(), Mapped(map_states=[Success()])], ids=repr)
def test_an_ended_run_need_not_be_in_the_batch(state: Any) -> None:
    assert check_calls([Call(TaskRun(), int, after=TaskRun(state=state))])


def test_a_mapped_call_takes_no_arguments_besides() -> None:
    with pytest.raises(InvalidArgument, match="takes one input each"):
        Call(TaskRun(), int, (1,), over=Mapping([1]))
