"""The children of a mapped run, from the first to what becomes of their parent."""

from __future__ import annotations

import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from fsm import MemoryJournal, Quorum, Runner, TaskRun
from fsm.errors import InvalidArgument
from fsm.execution import child_jobs, scheduler
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.testing import HandClock
from states import Cancelled, Failed, Mapped, Paused, Pending, Skipped, Success


@pytest.fixture
def runner(clock: HandClock) -> Iterator[Runner]:
    with Runner(clock=clock, workers=4) as made:
        yield made


def events(run: TaskRun) -> list[str]:
    return [step.event for step in run.history]


def inverse(number: int) -> float:
    return 1 / number


def test_a_quorum_that_is_met_leaves_the_parent_mapped(run: TaskRun, runner: Runner) -> None:
    state = runner.map(run, inverse, [0, 1, 2], quorum=Quorum.at_least(2))

    assert type(state) is Mapped
    assert [type(child) for child in state.map_states] == [Failed, Success, Success]


def test_a_quorum_that_is_missed_fails_the_parent(clock: HandClock, runner: Runner) -> None:
    run = TaskRun(clock=clock)

    state = runner.map(run, inverse, [0, 0, 2], quorum=Quorum.percent(50))

    assert type(state) is Failed
    assert state.message == "1 of 3 mapped tasks succeeded, 2 had to"
    assert events(run) == ["map", "map", "fail_map"]


def test_a_retry_of_the_parent_runs_what_failed_again(
    journal: Any, clock: HandClock, runner: Runner
) -> None:
    run = TaskRun("m", journal=journal, clock=clock, max_retries=1)
    tries: Counter[int] = Counter()

    def third_time_lucky(number: int) -> int:
        tries[number] += 1
        if number == 1 and tries[number] < 3:  # its own retry is not enough
            raise ValueError("not yet")
        return number

    state = runner.map(run, third_time_lucky, range(3), quorum=Quorum.all())

    assert type(state) is Mapped
    assert state.result == [0, 1, 2]
    assert tries == {0: 1, 1: 3, 2: 1}
    assert events(run) == ["map", "map", "fail_map", "retry", "map", "map"]
    assert "rerun" in events(TaskRun.restore("m[1]", journal))


def test_only_what_failed_is_run_again_when_asked_for(
    journal: Any, clock: HandClock, runner: Runner
) -> None:
    run, called = TaskRun("m", journal=journal, clock=clock), Counter[int]()

    def flaky(number: int) -> int:
        called[number] += 1
        if number == 2 and called[number] == 1:
            raise ValueError("once")
        return number

    first = runner.map(run, flaky, range(4))
    second = runner.map(run, flaky, range(4), again=True)

    assert [type(child) for child in first.map_states].count(Failed) == 1
    assert second.result == [0, 1, 2, 3]
    assert called == {0: 1, 1: 1, 2: 2, 3: 1}


def test_no_more_children_are_executed_at_a_time_than_allowed(
    run: TaskRun, clock: HandClock
) -> None:
    at_work, most = [0], [0]
    lock = threading.Lock()

    def count(_: int) -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        with lock:
            at_work[0] -= 1

    with Runner(clock=clock, workers=8) as runner:
        runner.map(run, count, range(50), max_concurrency=2)

    assert most[0] <= 2


def test_a_mapped_run_with_a_paused_child_can_be_performed_again(
    journal: Any, clock: HandClock, runner: Runner
) -> None:
    run = TaskRun("m", journal=journal, clock=clock)

    def asks(number: int) -> Any:
        from fsm import current_run

        return Paused("needs approval") if number == 1 and not current_run().resumed else number

    first = runner.map(run, asks, range(3), quorum=Quorum.all())
    assert type(first) is Mapped
    assert isinstance(first.map_states[1], Paused)

    TaskRun.restore("m[1]", journal, clock=clock).resume()
    again = TaskRun.restore("m", journal, clock=clock)
    second = runner.map(again, asks, range(3), quorum=Quorum.all())

    assert second.result == [0, 1, 2]


def test_an_interrupt_cancels_parent_and_children(clock: HandClock, journal: Any) -> None:
    run, gate = TaskRun("m", journal=journal, clock=clock), threading.Event()

    def interrupted(*told: object) -> None:
        raise KeyboardInterrupt

    clock.wait = interrupted  # type: ignore[method-assign]  # as if Ctrl-C came while waiting
    with Runner(clock=clock, workers=2) as runner, pytest.raises(KeyboardInterrupt):
        runner.map(run, lambda _: gate.wait(), range(5))
    gate.set()

    assert type(run.state) is Cancelled
    assert {row.run: row.state for row in journal.children("m")} == {
        "m[0]": "Cancelled",
        "m[1]": "Cancelled",
    }


def test_cancelling_the_parent_elsewhere_cancels_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(scheduler, "_LOOK", 0.01)
    journal = SQLiteJournal(tmp_path / "runs.db")
    run, gate, asked = TaskRun("m", journal=journal), threading.Event(), threading.Event()

    def waits(_: int) -> None:
        from fsm import current_run

        if not asked.is_set():
            asked.set()
            TaskRun.restore("m", journal).cancel(message="enough")
        gate.wait(10)
        assert current_run().cancel_requested

    with Runner(workers=2) as runner:
        state = runner.map(run, waits, range(100))
    gate.set()

    assert (type(state), state.message) == (Cancelled, "enough")
    rows = list(journal.children("m"))
    assert 0 < len(rows) <= 2, "no more were begun"
    assert {row.state for row in rows} == {"Cancelled"}
    journal.close()


def test_an_error_of_a_child_is_raised_and_the_others_go_on(
    clock: HandClock, runner: Runner
) -> None:
    journal = MemoryJournal()

    class Vetoed(TaskRun):
        pass

    @Vetoed.before(Vetoed.succeed)
    def veto(run: TaskRun, step: Any) -> None:
        if run.id == "m[1]":
            raise PermissionError("not that one")

    run = Vetoed("m", journal=journal, clock=clock)
    with pytest.raises(PermissionError):
        runner.map(run, lambda number: number, range(4))

    assert [row.state for row in journal.children("m")] == [
        "Success", "Running", "Success", "Success",
    ]  # fmt: skip


def test_a_map_over_skips_is_a_success(run: TaskRun, runner: Runner) -> None:
    state = runner.map(run, lambda _: Skipped("nothing"), range(3), quorum=Quorum.all())

    assert type(state) is Mapped


@pytest.mark.parametrize("inputs", [5, None, object()], ids=["int", "None", "object"])
def test_inputs_that_are_not_iterable_are_refused_before_anything_starts(
    run: TaskRun, runner: Runner, inputs: Any
) -> None:
    with pytest.raises(InvalidArgument):
        runner.map(run, inverse, inputs)

    assert type(run.state) is Pending


def test_payloads_of_many_children_stay_in_the_journal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, clock: HandClock, runner: Runner
) -> None:
    monkeypatch.setattr(child_jobs, "MOST_WITH_PAYLOAD", 100)
    journal = SQLiteJournal(tmp_path / "runs.db")
    run, count, size = TaskRun("m", journal=journal, clock=clock), 300, 50_000

    tracemalloc.start()
    try:
        state = runner.map(run, lambda number: f"{number:{size}}", range(count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < count * size / 4, "fifteen megabytes of results passed through"
    assert {type(child) for child in state.map_states} == {Success}
    assert {child.result for child in state.map_states} == {None}
    assert TaskRun.restore("m[7]", journal).state.result.endswith(" 7")
    assert TaskRun.restore("m", journal).state == state
    journal.close()
