"""Batch: calls that are performed together, each after those it comes after."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fsm import Call, InvalidArgument, JournalError, MemoryJournal, Runner, TaskRun
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


def test_a_result_is_given_on() -> None:
    a, b = TaskRun(), TaskRun()

    performed(Call(a, lambda: 20), Call(b, lambda x, y: x + y, (ResultOf(a),), {"y": ResultOf(a)}))

    assert b.state.result == 40


def test_a_failure_goes_down_as_far_as_triggers_let_it() -> None:
    a, b, c = TaskRun(), TaskRun(), TaskRun()

    ends = performed(
        Call(a, broken), Call(b, broken, after=a), Call(c, int, after=b, trigger_rule=all_finished)
    )

    assert ends == ["Failed", "TriggerFailed", "Success"]


def test_what_comes_after_a_paused_run_is_left_as_it_is() -> None:
    a, b, c, d = (TaskRun(id) for id in "abcd")

    ends = performed(
        Call(a, lambda: Paused()), Call(b, int), Call(c, int, after=[a, b]), Call(d, int, after=c)
    )

    assert ends == ["Paused", "Success", "Pending", "Pending"]
    assert not c.history


def test_what_comes_after_a_map_waits_for_its_children() -> None:
    a, b = TaskRun("a"), TaskRun("b")

    ends = performed(
        Call(a, lambda number: Paused() if number else number, over=Mapping([0, 1])),
        Call(b, int, after=a),
    )

    assert ends == ["Mapped", "Pending"]


def test_one_stopped_by_its_journal_stops_those_below_and_no_others() -> None:
    class Full(MemoryJournal):
        def append(self, *args: Any, **more: Any) -> None:
            raise JournalError("the disk is full")

    a, b, c = TaskRun("a", journal=Full()), TaskRun("b"), TaskRun("c")

    with Runner() as runner, pytest.raises(JournalError):
        runner.perform_all([Call(a, int), Call(b, int, after=a), Call(c, int)])

    assert [type(run.state) for run in (a, b, c)] == [Pending, Pending, Success]


@pytest.mark.parametrize(("above", "end"), [(broken, TriggerFailed), (lambda: Skipped(), Skipped)])
def test_a_map_over_what_did_not_succeed_is_judged_like_any_call(above: Any, end: Any) -> None:
    a, b = TaskRun("a"), TaskRun("b")

    performed(Call(a, above), Call(b, int, over=Mapping(ResultOf(a))))

    assert type(b.state) is end


def test_none_begins_once_the_run_they_are_performed_for_has_ended() -> None:
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


def test_an_end_after_the_whole_s_lets_nobody_go() -> None:
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


def test_threads_that_end_together_let_go_what_waits_for_all_of_them_once() -> None:
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


def test_a_run_made_twice_is_not_waited_for_as_if_it_were_the_other() -> None:
    with pytest.raises(InvalidArgument, match="another 'a' than is among the calls"):
        check_calls([Call(TaskRun("a"), int), Call(TaskRun("b"), int, after=TaskRun("a"))])


@pytest.mark.parametrize("state", [Pending(), Mapped(map_states=[None])], ids=repr)
def test_a_run_that_nobody_performs_has_to_be_at_its_end(state: Any) -> None:
    with pytest.raises(InvalidArgument, match="not among the calls"):
        check_calls([Call(TaskRun(), int, after=TaskRun(state=state))])


@pytest.mark.parametrize("state", [Failed(), Cancelled(), Mapped(map_states=[Success()])], ids=repr)
def test_a_run_at_its_end_may_be_any(state: Any) -> None:
    assert check_calls([Call(TaskRun(), int, after=TaskRun(state=state))])


def test_a_mapped_call_takes_no_arguments_besides() -> None:
    with pytest.raises(InvalidArgument, match="takes one input each"):
        Call(TaskRun(), int, (1,), over=Mapping([1]))
