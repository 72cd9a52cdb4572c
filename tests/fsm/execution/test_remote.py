"""The entry point in a worker process, whatever its task does, returns and raises."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from fsm import Call, Policy, Retry, Runner, TaskRun
from fsm.errors import InvalidArgument
from fsm.journal.sqlite.journal import SQLiteJournal
from states import Cancelled, Failed, Skipped, State, Success, TimedOut

cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """A runner on a process."""
    with Runner("process", workers=1) as made:
        yield made


@pytest.fixture(params=["journal", "no journal"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a run is given to be kept, or nothing: then its answer travels."""
    if request.param == "no journal":
        yield {}
        return
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        yield {"journal": journal}


class Refuses:
    """Says no when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return leave, ()


class NeedsTwo(Exception):
    """Cannot be unpickled: it is made of two things, and remembers one."""

    def __init__(self, one: object, _two: object) -> None:
        super().__init__(one)


class Disguised(Exception):
    """Comes back as something else."""

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (3,)


class Frozen(Exception):
    """Takes no cause."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "__cause__":
            raise AttributeError(name)
        super().__setattr__(name, value)


def leave() -> None:
    raise SystemExit("hostile")


def raising(error: Any) -> Any:
    """A task that raises what *error* makes."""

    def task() -> None:
        raise error()

    return task


def holding_a_lock() -> Exception:
    error = ValueError("with a lock")
    error.__dict__["lock"] = threading.Lock()
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (lambda: KeyError("k"), "KeyError"),
        (lambda: NeedsTwo("one", "two"), "NeedsTwo"),
        (lambda: Disguised("d"), "Disguised"),
        (lambda: Frozen("f"), "Frozen"),
        (holding_a_lock, "with a lock"),
        (lambda: SystemExit(3), "SystemExit"),
        (lambda: GeneratorExit(), "GeneratorExit"),
        (lambda: BaseException("base"), "base"),
    ],
)
def test_whatever_a_task_raises_fails_it(
    runner: Runner, kept: dict[str, Any], error: Any, said: str
) -> None:
    run = TaskRun(**kept)

    state = runner.perform(run, raising(error))

    assert type(state) is Failed
    assert said in str(state.message)
    assert [step.event for step in run.history] == ["start", "fail"]


def test_an_interrupt_raised_in_a_process_cancels_its_run(
    runner: Runner, kept: dict[str, Any]
) -> None:
    assert type(runner.perform(TaskRun(**kept), raising(KeyboardInterrupt))) is Cancelled


@pytest.mark.parametrize("value", [threading.Lock, Refuses], ids=["unpicklable", "hostile"])
def test_a_result_that_cannot_be_pickled_fails_the_run(
    runner: Runner, kept: dict[str, Any], value: Any
) -> None:
    state = runner.perform(TaskRun(**kept), lambda: value())

    assert type(state) is Failed
    assert "cannot" in str(state.message)


def test_a_large_result_travels_if_no_journal_has_to_keep_it(runner: Runner) -> None:
    state = runner.perform(TaskRun(), lambda: "x" * 50_000_000)

    assert len(state.result) == 50_000_000


def test_a_result_too_large_for_the_journal_fails_the_run(runner: Runner, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        state = runner.perform(TaskRun(journal=journal), lambda: "x" * 50_000_000)

    assert type(state) is Failed
    assert "too big" in str(state.message)


def test_a_state_is_an_outcome_in_a_process_too(runner: Runner, kept: dict[str, Any]) -> None:
    def task() -> State:
        return Skipped("nothing to do")

    assert type(runner.perform(TaskRun(**kept), task)) is Skipped


@pytest.mark.parametrize("given", ["task", "argument"])
def test_a_call_that_cannot_be_pickled_is_refused_before_anything_starts(
    runner: Runner, kept: dict[str, Any], given: str
) -> None:
    lock = threading.Lock()
    good, bad = TaskRun(**kept), TaskRun(**kept)
    call = Call(bad, lock.acquire) if given == "task" else Call(bad, id, (lock,))

    with pytest.raises(InvalidArgument, match="cannot travel to another process"):
        runner.perform_all([Call(good, int), call])

    assert (good.history, bad.history) == ((), ())


def test_an_argument_that_cannot_be_unpickled_fails_its_run(
    runner: Runner, kept: dict[str, Any]
) -> None:
    state = runner.perform(TaskRun(**kept), id, Refuses())

    assert type(state) is Failed
    assert "hostile" in str(state.message)


def test_a_task_that_exits_its_process_is_lost(runner: Runner, kept: dict[str, Any]) -> None:
    run = TaskRun(policy=Policy(Retry(max_rescues=1)), **kept)

    state = runner.perform(run, os._exit, 0)

    assert type(state) is Failed
    assert [step.event for step in run.history] == ["start", "rescue"] * 2


def test_a_process_out_of_file_descriptors_carries_on(runner: Runner, kept: dict[str, Any]) -> None:
    import resource

    def task() -> int:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, 1))
        return 5

    first, second = (
        runner.perform(TaskRun(**kept), task),
        runner.perform(TaskRun(**kept), os.getpid),
    )
    runner.perform(
        TaskRun(policy=Policy(Retry(max_rescues=0))), os._exit, 0
    )  # it is not for the others

    assert first.result == 5
    assert isinstance(second, Success | Failed), "it ends, and says why"


def spins() -> None:
    while True:
        pass


@pytest.mark.parametrize("task", [spins, threading.Event().wait], ids=["Python", "C"])
def test_a_task_is_stopped_after_its_time_limit(
    runner: Runner, kept: dict[str, Any], task: Any
) -> None:
    if task is not spins:

        def task() -> None:
            threading.Event().wait()

    state = runner.perform(TaskRun(timeout=0.1, **kept), task)

    assert type(state) is TimedOut
    assert str(state.result) == "no end after 0.1 s"  # and not that it goes on


def test_an_error_from_another_process_carries_its_traceback(runner: Runner) -> None:
    line = raising.__code__.co_firstlineno + 4

    state = runner.perform(TaskRun(), raising(KeyError))

    assert f"line {line}, in task" in str(state.result.__cause__)


def test_a_result_is_recorded_by_the_driver_if_the_class_cannot_be_imported(
    runner: Runner, kept: dict[str, Any]
) -> None:
    class Local(TaskRun):
        """One that only this function knows."""

    run = Local(**kept)

    assert runner.perform(run, lambda: 7).result == 7
    assert [step.event for step in run.history] == ["start", "succeed"]
