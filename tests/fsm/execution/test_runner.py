"""Runner: real callables under the lifecycle, with a clock that does not tick."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pendulum
import pytest

from fsm import (
    Call,
    JournalError,
    LifecycleError,
    MemoryJournal,
    Runner,
    StaleRun,
    Step,
    TaskRun,
    perform,
)
from fsm.errors import InvalidArgument
from fsm.execution.commands import Recorded
from fsm.execution.job import Job
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.states import ambient
from fsm.tasks.trigger_rules import manual_only
from fsm.testing import HandClock, Recorder
from states import (
    Cached,
    Cancelled,
    Failed,
    Looped,
    Mapped,
    NotSerializable,
    Paused,
    Retrying,
    Running,
    Skipped,
    State,
    Success,
    TimedOut,
    TriggerFailed,
)

START = pendulum.datetime(2020, 1, 1)


@pytest.fixture
def runner(clock: HandClock) -> Iterator[Runner]:
    """A runner by the hand clock."""
    with Runner(clock=clock, workers=4) as made:
        yield made


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a hanging task waits for; open in the end, so that its thread ends."""
    made = threading.Event()
    yield made
    made.set()


def failing(times: int, result: Any = "done") -> Any:
    """A task that fails so many times."""
    left = [ValueError(f"attempt {number + 1}") for number in range(times)]

    def task() -> Any:
        if left:
            raise left.pop(0)
        return result

    return task


def events(run: TaskRun) -> list[str]:
    return [step.event for step in run.history]


def test_a_callable_is_performed_with_its_arguments(run: TaskRun) -> None:
    state = perform(run, lambda a, b=0: a + b, 1, b=2)

    assert isinstance(state, Success)
    assert state.result == 3
    assert state is run.state
    assert events(run) == ["start", "succeed"]


def test_a_failure_is_retried_after_its_delay(clock: HandClock, journal: Any) -> None:
    run = TaskRun("r", journal=journal, clock=clock, max_retries=2, retry_delay=60)

    perform(run, failing(2))

    assert isinstance(run.state, Success)
    starts = [step.at for step in run.history if step.event == "start"]
    assert starts == [START.add(seconds=60 * number) for number in range(3)]
    assert run.attempts == 3


def test_a_task_that_keeps_failing_ends_failed(run: TaskRun) -> None:
    state = perform(run, failing(99))

    assert type(state) is Failed
    assert events(run).count("start") == 3
    assert state.message == "Unexpected error: ValueError('attempt 3')"


def test_a_task_that_hangs_times_out(clock: HandClock, gate: threading.Event) -> None:
    run = TaskRun(clock=clock, timeout=30)
    clock.patience = 0.01

    state = perform(run, gate.wait)

    assert type(state) is TimedOut
    assert clock() == START.add(seconds=30)


def test_a_run_that_timed_out_may_be_retried(clock: HandClock, gate: threading.Event) -> None:
    run = TaskRun(clock=clock, timeout=30, max_retries=1)
    clock.patience = 0.01
    tries = iter([gate.wait, lambda: "in time"])

    state = perform(run, lambda: next(tries)())

    assert state.result == "in time"
    assert events(run) == ["start", "time_out", "retry", "start", "succeed"]


def test_a_cache_hit_saves_the_work(clock: HandClock, run: TaskRun) -> None:
    called: list[int] = []
    with Runner(clock=clock, lookup=lambda run: Cached(result=5)) as runner:
        state = runner.perform(run, called.append, 1)

    assert (type(state), state.result, called) == (Cached, 5, [])


def test_results_are_cached_where_the_policy_says_so(clock: HandClock) -> None:
    run = TaskRun(clock=clock, cache_for=60)

    state = perform(run, lambda: 1)

    assert isinstance(state, Cached)
    assert state.cached_result_expiration == START.add(seconds=60)


@pytest.mark.parametrize(
    "outcome", [Skipped("no"), Failed("bad"), Cancelled(), Paused(), Success(result=4)], ids=repr
)
def test_a_state_returned_is_the_outcome(clock: HandClock, outcome: State) -> None:
    assert type(perform(TaskRun(clock=clock), lambda: outcome)) is type(outcome)


def test_a_loop_goes_round_with_its_context(run: TaskRun) -> None:
    def page() -> Any:
        names = ambient.context()
        seen = [*(names["task_loop_result"] or []), names["task_loop_count"]]
        return Looped(result=seen) if len(seen) < 3 else seen

    state = perform(run, page)

    assert state.result == [1, 2, 3]
    assert [step.dest.loop_count for step in run.history if isinstance(step.dest, Looped)] == [1, 2]


def test_a_task_knows_which_attempt_it_is(run: TaskRun) -> None:
    counts: list[int] = []

    def task() -> None:
        counts.append(ambient.context()["task_run_count"])
        if len(counts) < 3:
            raise ValueError

    perform(run, task)

    assert counts == [1, 2, 3]


def test_a_paused_run_goes_on_after_a_resume(run: TaskRun) -> None:
    approved: list[bool] = []

    def task() -> Any:
        return "approved" if approved else Paused("waiting for approval")

    assert type(perform(run, task)) is Paused
    approved.append(True)
    assert type(perform(run, task)) is Paused, "it was not resumed"
    run.resume()
    assert perform(run, task).result == "approved"
    assert run.attempts == 1


def test_a_restored_running_run_is_performed_again(journal: Any, clock: HandClock) -> None:
    TaskRun("r", journal=journal, clock=clock).start()

    again = TaskRun.restore("r", journal, clock=clock)
    perform(again, lambda: 1)

    assert events(again) == ["start", "rescue", "start", "succeed"]
    assert again.attempts == 1


def test_a_finished_run_is_not_performed_again(run: TaskRun) -> None:
    perform(run, lambda: 1)

    state = perform(run, failing(1))

    assert state.result == 1
    assert events(run) == ["start", "succeed"]


def test_an_interrupt_of_the_task_cancels_its_run(run: TaskRun) -> None:
    def task() -> None:
        raise KeyboardInterrupt

    assert type(perform(run, task)) is Cancelled


def test_an_interrupt_of_the_runner_cancels_active_runs(
    clock: HandClock, gate: threading.Event
) -> None:
    def interrupted(*told: object) -> None:
        raise KeyboardInterrupt

    clock.wait = interrupted  # type: ignore[method-assign]  # as if Ctrl-C came while waiting
    runs = [TaskRun(clock=clock) for _ in range(3)]

    with Runner(clock=clock, workers=4) as runner, pytest.raises(KeyboardInterrupt):
        runner.perform_all([Call(run, gate.wait) for run in runs])

    assert [type(run.state) for run in runs] == [Cancelled] * 3


def test_a_result_that_cannot_be_kept_fails_the_run(tmp_path: Any, clock: HandClock) -> None:
    journal = SQLiteJournal(tmp_path / "runs.db")
    run = TaskRun("r", journal=journal, clock=clock)

    state = perform(run, object)

    assert type(state) is Failed
    assert "cannot be written exactly" in str(state.message)
    assert isinstance(state.result, NotSerializable)
    assert type(TaskRun.restore("r", journal).state) is Failed
    journal.close()


def test_a_run_that_another_process_cancels_has_ended(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    recorder = run.after(Recorder())

    def task() -> int:
        TaskRun.restore("r", journal).cancel(message="by a person")
        return 1

    state = perform(run, task)

    assert type(state) is Cancelled
    assert state.message == "by a person"
    assert recorder.events == ["start", "cancel"]
    assert type(TaskRun.restore("r", journal).state) is Cancelled


def test_a_run_that_another_process_resumes_goes_on_from_there(
    journal: Any, clock: HandClock
) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    tries: list[int] = []

    def task() -> int:
        tries.append(1)
        if len(tries) == 1:
            other = TaskRun.restore("r", journal)
            other.pause()
            other.resume()
        return len(tries)

    state = perform(run, task)

    assert (type(state), state.result) == (Success, 2)
    assert events(run) == ["start", "pause", "resume", "start", "succeed"]


def test_a_run_that_another_process_runs_is_left_to_it(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)

    def task() -> None:
        other = TaskRun.restore("r", journal)
        other.rescue()
        other.start()

    with pytest.raises(StaleRun):
        perform(run, task)

    assert type(TaskRun.restore("r", journal).state) is Running


def test_children_are_mapped_over_inputs(run: TaskRun, journal: Any, runner: Runner) -> None:
    state = runner.map(run, lambda number: number * 2, [1, 2, 3])

    assert isinstance(state, Mapped)
    assert state.result == [2, 4, 6]
    assert {summary.run for summary in journal.runs()} >= {"run-1[0]", "run-1[1]", "run-1[2]"}
    assert events(run) == ["map", "map"]


def test_a_map_that_is_done_is_not_done_again(run: TaskRun, runner: Runner) -> None:
    called: list[int] = []
    for _ in range(2):
        runner.map(run, lambda number: called.append(number), [1, 2])

    assert sorted(called) == [1, 2]
    assert events(run) == ["map", "map"]


def test_a_child_that_fails_does_not_fail_the_rest(clock: HandClock, runner: Runner) -> None:
    run = TaskRun(clock=clock)

    state = runner.map(run, lambda number: 1 // number, [0, 1])

    assert isinstance(state, Mapped)
    assert [type(child) for child in state.map_states] == [Failed, Success]


def test_a_map_over_nothing_is_a_map(run: TaskRun, runner: Runner) -> None:
    assert runner.map(run, print, []).result == []


def test_children_have_the_policy_of_the_run(clock: HandClock, runner: Runner) -> None:
    journal, task = MemoryJournal(), failing(1)
    run = TaskRun("r", journal=journal, clock=clock, max_retries=1)

    runner.map(run, lambda _: task(), [0])

    child = TaskRun.restore("r[0]", journal)
    assert child.max_retries == 1
    assert events(child) == ["start", "fail", "retry", "start", "succeed"]


def test_calls_are_performed_side_by_side(clock: HandClock) -> None:
    both = threading.Barrier(4)
    runs = [TaskRun(clock=clock) for _ in range(4)]

    with Runner(clock=clock, workers=4) as runner:
        states = runner.perform_all([Call(run, both.wait, (10,)) for run in runs])

    assert [type(state) for state in states] == [Success] * 4


class ByHand(Executor):
    """An executor that does its work one by one, when told to."""

    def __init__(self) -> None:
        self.work: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []
        self.most = 0

    def submit(self, task: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.work.append((future, task, args))
        self.most = max(self.most, len(self.work))
        return future

    def do_one(self, *told: object) -> None:
        """Do what has waited longest."""
        future, task, args = self.work.pop(0)
        future.set_result(task(*args))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_more_tasks_run_than_there_are_workers(clock: HandClock, workers: int) -> None:
    hand = ByHand()
    clock.wait = hand.do_one  # type: ignore[method-assign]  # where the runner would wait

    with Runner(hand, clock=clock, workers=workers) as runner:
        runner.perform_all([Call(TaskRun(clock=clock), int) for _ in range(12)])

    assert hand.most == workers


def test_a_run_that_waits_takes_no_worker(clock: HandClock) -> None:
    waiting = TaskRun(clock=clock)
    waiting.schedule(start_time=START.add(hours=1))
    other = TaskRun(clock=clock)
    order: list[str] = []

    with Runner(clock=clock, workers=1) as runner:
        runner.perform_all(
            [Call(waiting, order.append, ("waiting",)), Call(other, order.append, ("other",))]
        )

    assert order == ["other", "waiting"]


def test_states_come_in_the_order_of_the_calls(runner: Runner, clock: HandClock) -> None:
    calls = [Call(TaskRun(clock=clock), lambda n=n: n) for n in range(20)]

    assert [state.result for state in runner.perform_all(calls)] == list(range(20))


def test_performing_no_calls_returns_at_once(runner: Runner) -> None:
    assert runner.perform_all([]) == []


def test_an_executor_of_the_callers_is_left_open(clock: HandClock) -> None:
    with ThreadPoolExecutor(2) as pool:
        with Runner(pool, clock=clock) as runner:
            runner.perform(TaskRun(clock=clock), int)
        assert pool.submit(int).result() == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_callables_travel_to_processes(clock: HandClock) -> None:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool, Runner(pool, clock=clock) as runner:
        good, bad = TaskRun(clock=clock), TaskRun(clock=clock)
        states = runner.perform_all([Call(good, abs, (-3,)), Call(bad, lambda: 1)])

    assert [state.result for state in states] == [3, 1]


@pytest.mark.parametrize("workers", [0, -1, True, "4", 2.0], ids=repr)
def test_workers_are_counted(workers: Any) -> None:
    with pytest.raises(InvalidArgument):
        Runner(workers=workers)


@pytest.mark.parametrize("call", [3, (TaskRun(), print), None], ids=lambda c: "call")
def test_something_that_is_no_call_is_refused_before_any_starts(runner: Runner, call: Any) -> None:
    run = TaskRun()

    with pytest.raises(InvalidArgument):
        runner.perform_all([Call(run, int), call])

    assert run.history == ()


def test_performing_something_that_is_no_run_is_an_invalid_argument() -> None:
    with pytest.raises(LifecycleError):
        perform(object(), print)  # type: ignore[arg-type]


def test_listeners_hear_a_performed_run(run: TaskRun) -> None:
    recorder = run.after(Recorder())

    perform(run, failing(1))

    assert recorder.events == ["start", "fail", "retry", "start", "succeed"]


def test_a_veto_of_the_start_stops_the_runner(run: TaskRun) -> None:
    @run.before(TaskRun.start)
    def veto(run: TaskRun, step: Step) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        perform(run, int)

    assert run.history == ()


def test_a_real_clock_is_waited_by() -> None:
    run = TaskRun(max_retries=1, retry_delay=0.01)

    perform(run, failing(1))

    assert type(run.state) is Success
    assert run.history[-2].micros - run.history[1].micros >= 10_000


def test_a_real_deadline_is_waited_by(gate: threading.Event) -> None:
    run = TaskRun(timeout=0.02)

    assert type(perform(run, gate.wait)) is TimedOut


def test_an_error_of_one_run_leaves_the_others_going(clock: HandClock) -> None:
    good, bad, over = TaskRun(clock=clock), TaskRun(clock=clock), threading.Event()

    @bad.before(TaskRun.succeed)
    def veto(run: TaskRun, step: Step) -> None:
        over.set()
        raise PermissionError

    calls = [Call(good, over.wait), Call(bad, int)]
    with Runner(clock=clock, workers=2) as runner, pytest.raises(PermissionError):
        runner.perform_all(calls)

    assert type(good.state) is Success


class Refusing(Executor):
    """An executor that takes no work."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("cannot schedule new futures after shutdown")


def test_an_executor_that_takes_no_work_fails_the_run(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    with Runner(Refusing(), clock=clock) as runner:
        runner.perform(run, int)

    assert type(run.state) is Failed


class Dropping(Executor):
    """An executor that cancels what it is given."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        work: Future[Any] = Future()
        work.cancel()
        work.set_running_or_notify_cancel()
        return work


def test_work_that_the_executor_cancels_does_not_leave_its_run_running(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    with Runner(Dropping(), clock=clock) as runner:
        runner.perform(run, int)

    assert run.state.is_finished()


def test_a_run_found_waiting_to_retry_goes_on(clock: HandClock) -> None:
    run = TaskRun(state=Retrying(start_time=START, run_count=1), clock=clock, max_retries=1)

    perform(run, int)

    assert run.attempts == 2
    assert not isinstance(run.state, Running)


def test_two_calls_of_one_run_are_refused_before_any_starts(
    runner: Runner, clock: HandClock
) -> None:
    run = TaskRun(clock=clock)

    with pytest.raises(InvalidArgument):
        runner.perform_all([Call(run, int), Call(run, int)])

    assert run.history == ()


def test_a_map_of_no_callable_is_refused_before_it_starts(runner: Runner, clock: HandClock) -> None:
    run = TaskRun(clock=clock)

    with pytest.raises(InvalidArgument):
        runner.map(run, 5, [1])  # type: ignore[arg-type]

    assert run.history == ()


@pytest.mark.parametrize("wrong", [{"executor": 5}, {"lookup": 5}, {"clock": 5}], ids=str)
def test_wrong_arguments_of_a_runner_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Runner(**wrong)


def test_a_lookup_has_to_return_cached_or_none(clock: HandClock) -> None:
    with (
        Runner(clock=clock, lookup=lambda run: 5) as runner,  # type: ignore[arg-type,return-value]
        pytest.raises(InvalidArgument),
    ):
        runner.perform(TaskRun(clock=clock), int)


def test_a_clock_set_forward_does_not_start_a_retry_early() -> None:
    clock = HandClock()
    run = TaskRun(clock=clock, max_retries=1, retry_delay=3600)
    passed: list[float] = []

    @run.on_enter(Retrying)
    def set_forward(run: Any, step: Any) -> None:
        clock.jump(hours=5)

    def task() -> None:
        passed.append(clock.steady())
        if len(passed) == 1:
            raise ValueError("no")

    perform(run, task)

    assert type(run.state) is Success
    assert passed[1] - passed[0] >= 3600


def test_a_clock_set_back_delays_a_retry_without_losing_it() -> None:
    clock = HandClock()
    run = TaskRun(clock=clock, max_retries=1, retry_delay=60)
    run.on_enter(Retrying, lambda run, step: clock.jump(hours=-1))
    calls: list[int] = []

    def task() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("no")

    assert type(perform(run, task)) is Success
    assert len(calls) == 2


def test_the_children_of_a_claimed_run_are_rows_of_its_journal(journal: Any) -> None:
    TaskRun("squares", journal=journal).schedule(start_time=pendulum.datetime(2020, 1, 1))
    (claim,) = journal.claim(owner="worker")

    state = Runner(workers=2).map(TaskRun.restore("squares", claim), lambda n: n * n, range(3))

    assert state.result == [0, 1, 4]
    children = list(journal.children("squares"))
    assert [(child.run, child.parent, child.child) for child in children] == [
        (f"squares[{index}]", "squares", index) for index in range(3)
    ]
    assert {child.state for child in children} == {"Success"}


def test_a_trigger_rule_is_asked_even_without_runs_above(runner: Runner, clock: HandClock) -> None:
    run = TaskRun(clock=clock)

    (state,) = runner.perform_all([Call(run, int, trigger_rule=manual_only)])
    assert type(state) is Paused

    run.resume()
    (state,) = runner.perform_all([Call(run, int, trigger_rule=manual_only)])
    assert type(state) is Success


def test_a_run_that_its_trigger_rule_failed_is_not_retried(
    runner: Runner, clock: HandClock
) -> None:
    above, run = TaskRun(clock=clock), TaskRun(clock=clock, max_retries=3)

    states = runner.perform_all([Call(above, failing(9)), Call(run, int, after=[above])])

    assert [type(state) for state in states] == [Failed, TriggerFailed]
    assert events(run) == ["fail_trigger"]


class Unreadable(MemoryJournal):
    """A journal in which a history cannot be read while others are."""

    def steps(self, run: str) -> Any:
        if run == "bad":
            raise JournalError("a sector is gone")
        return super().steps(run)


def test_a_history_that_cannot_be_read_leaves_the_others_going(clock: HandClock) -> None:
    journal = Unreadable()
    runs = [TaskRun(id, journal=journal, clock=clock) for id in ("good", "bad", "other")]

    with Runner(clock=clock, workers=1) as runner:
        calls = [Call(run, int) for run in runs]
        original = Job.read_reply

        def read_reply(self: Any) -> Any:
            return self.has_moved() and Recorded() if self.run.id == "bad" else original(self)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Job, "read_reply", read_reply)
            with pytest.raises(JournalError, match="sector"):
                runner.perform_all(calls)

    assert [type(run.state) for run in runs] == [Success, Running, Success]
