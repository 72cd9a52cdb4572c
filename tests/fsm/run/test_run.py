"""Run: state, history and the one door between them, under threads and tasks too."""

from __future__ import annotations

import asyncio
import copy
import datetime
import itertools
import pickle
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pendulum
import pytest

from fsm import (
    CallbackError,
    CorruptJournal,
    GuardRejected,
    JournalError,
    LifecycleError,
    MemoryJournal,
    Run,
    StaleRun,
    Step,
    StepInProgress,
    TaskRun,
    TransitionError,
    TransitionNotAllowed,
    event,
    internal,
)
from fsm.errors import InvalidArgument, UnknownEvent, UnknownRun
from fsm.testing import HandClock, Recorder
from states import (
    Cancelled,
    Failed,
    InvalidPayload,
    Mapped,
    NotSerializable,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    StateError,
    Success,
    TimedOut,
    TriggerFailed,
)


class Broken(MemoryJournal):
    """A journal that refuses, in a way of your choice."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error

    def append(self, step: Step, *of: Any, **more: Any) -> None:
        if self.error is not None:
            raise self.error
        super().append(step, *of, **more)


# One run


def test_a_run_begins_pending_without_a_history(run: TaskRun) -> None:
    assert run.state == Pending()
    assert run.history == ()
    assert run.state is run.state


def test_history_grows_by_one_step_a_trigger(run: TaskRun) -> None:
    run.start()
    run.fail()
    run.retry()

    assert [step.event for step in run.history] == ["start", "fail", "retry"]
    assert isinstance(run.history, tuple)


def test_a_run_says_what_it_is() -> None:
    run = TaskRun("r")
    run.start()

    assert repr(run) == "<TaskRun 'r': Running after 1 steps>"


def test_state_cannot_be_assigned(run: TaskRun) -> None:
    with pytest.raises(AttributeError):
        run.state = Success()  # type: ignore[misc]


def test_runs_are_equal_only_to_themselves() -> None:
    one, other = TaskRun("r"), TaskRun("r")

    assert one != other
    assert len({one, other}) == 2


def test_ids_are_made_up_apart() -> None:
    ids = {TaskRun().id for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(0 < len(id) <= 200 for id in ids)


def test_an_id_once_made_up_stays() -> None:
    run = TaskRun()

    assert run.id == run.id


@pytest.mark.parametrize(
    "id", ["", "x" * 201, 5, b"x", "a\0b", "a\nb", "\x1b[31m", "\ud800", "a\u202eb"], ids=repr
)
def test_an_id_is_what_a_journal_can_keep_and_a_terminal_show(id: Any) -> None:
    with pytest.raises(InvalidArgument):
        TaskRun(id)


@pytest.mark.parametrize("id", ["x", "x" * 200, "täglich/2013-01[3]", "日本"])
def test_an_id_may_be_any_printable_text(id: str, journal: Any) -> None:
    TaskRun(id, journal=journal).start()

    assert TaskRun.restore(id, journal).id == id


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "Pending"},
        {"state": Pending},
        {"state": State()},
        {"journal": 5},
        {"journal": "runs.db"},
        {"clock": 5},
        {"max_retries": "3"},
        {"timeout": -1},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_by_our_tree(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        TaskRun(**wrong)


@pytest.mark.parametrize(
    "send", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_a_run_stays_in_its_process(send: Callable[[object], object]) -> None:
    with pytest.raises(InvalidArgument, match="send its id"):
        send(TaskRun())


def test_allowed_is_what_the_table_says(run: TaskRun) -> None:
    assert run.allowed == TaskRun.lifecycle.allowed(Pending)
    run.cancel()

    assert run.allowed == ()


def test_an_event_may_be_fired_by_name(run: TaskRun) -> None:
    state = run.trigger("start", "by name", result=1)

    assert (type(state), state.message, state.result) == (Running, "by name", 1)


@pytest.mark.parametrize("name", ["strat", "", "state", "_fire", None, 5, []], ids=repr)
def test_a_name_that_is_no_event_is_refused(run: TaskRun, name: Any) -> None:
    for ask in (run.trigger, run.why_not, run.post):
        with pytest.raises(UnknownEvent):
            ask(name)

    assert run.history == ()


def test_an_event_that_another_class_has_is_unknown() -> None:
    class Other(Run):
        zap = event(Cancelled, source=Pending)

    with pytest.raises(UnknownEvent):
        TaskRun().post(Other.zap)


def test_why_not_takes_an_event_or_its_name(run: TaskRun) -> None:
    assert run.why_not("start") is None
    assert run.why_not(TaskRun.start) is None
    assert run.why_not(TaskRun.resume).event == "resume"
    assert isinstance(run.why_not("resume").refused, TransitionNotAllowed)


def test_why_not_weighs_the_arguments(run: TaskRun, clock: HandClock) -> None:
    past = clock().subtract(seconds=1)

    stale = run.why_not("cache", cached_result_expiration=past)
    odd = run.why_not("schedule", start_time=3)

    assert isinstance(stale.refused, GuardRejected)
    assert isinstance(odd.refused, StateError)
    assert run.history == ()


def test_asking_tells_nobody(run: TaskRun) -> None:
    recorder = run.before(Recorder())
    run.handler(lambda run, old, new: Cancelled())

    assert run.start.may()
    assert recorder.steps == []


# enter


@pytest.mark.parametrize(
    "state",
    [Failed("m", result=1), Success(result={"a": 1}), Paused("wait"), Cancelled(), TriggerFailed()],
    ids=repr,
)
def test_enter_makes_the_step_that_leads_there(run: TaskRun, state: State) -> None:
    run.start()
    if isinstance(state, Paused):
        state = state.evolve(start_time=pendulum.datetime(2021, 1, 1))

    entered = run.enter(state)

    assert entered == state
    assert len(run.history) == 2


def test_enter_gives_a_message_where_there_is_none(run: TaskRun) -> None:
    run.start()

    assert run.enter(Success()).message == "Task run succeeded."


def test_enter_carries_on_what_the_state_left_out(run: TaskRun) -> None:
    run.start(context={"a": 1})

    assert dict(run.enter(Success()).context) == {"a": 1}


@pytest.mark.parametrize("result", [None, [], 0, ""])
def test_enter_keeps_a_result_that_is_false(run: TaskRun, result: Any) -> None:
    run.start()

    entered = run.enter(Success(result=result))

    assert entered._result == Success(result=result)._result


def test_enter_keeps_a_mapped_states_children(run: TaskRun) -> None:
    assert run.enter(Mapped(map_states=[Success(result=1)])).result == [1]


@pytest.mark.parametrize("state", [Success(), Retrying(), None, "Running", Running], ids=repr)
def test_enter_goes_only_where_the_table_leads(run: TaskRun, state: Any) -> None:
    with pytest.raises(TransitionNotAllowed):
        run.enter(state)

    assert run.history == ()


def test_enter_asks_the_guards(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=60)
    run.start()

    with pytest.raises(GuardRejected):
        run.enter(TimedOut())

    assert type(run.state) is Running


def test_enter_does_not_go_by_an_event_that_says_why(run: TaskRun) -> None:
    for name in ("start", "fail", "retry", "start", "fail", "retry", "start"):
        run.trigger(name)

    with pytest.raises(GuardRejected, match="3 of 3 attempts are used"):
        run.enter(Retrying())

    assert (type(run.state), run.rescues) == (Running, 0)


def test_enter_tries_each_event_that_leads_there() -> None:
    class Two(Run):
        one = event(Running, source=Pending, conditions=[lambda run, step: False])
        two = event(Running, source=Pending)

    run = Two()
    run.enter(Running("m"))

    assert [step.event for step in run.history] == ["two"]


# restore


def test_a_restored_run_is_equal(run: TaskRun, journal: Any, written: Any) -> None:
    run.start(context={"a": [1]}, cached_inputs={"x": 1})
    run.fail(result=ValueError("no"))
    run.retry()

    again = TaskRun.restore(run.id, journal)

    assert again.state == run.state
    assert [written(step) for step in again.history] == [written(step) for step in run.history]
    assert (again.policy, again.attempts, again.id) == (run.policy, run.attempts, run.id)


def test_a_restored_run_goes_on(journal: Any, clock: HandClock, obeys: Any) -> None:
    TaskRun("r", journal=journal, clock=clock).start()

    again = TaskRun.restore("r", journal, clock=clock)
    again.succeed()

    obeys(again)
    assert len(again.history) == 2


def test_restoring_asks_nobody(run: TaskRun, journal: Any) -> None:
    def shout(*told: object) -> Any:
        raise AssertionError("nobody is asked")

    class Guarded(TaskRun):
        start = event(Running, source=Pending, conditions=[shout])  # type: ignore[assignment]

    Guarded.before(shout)
    Guarded.after(shout)
    run.start()

    again = Guarded.restore(run.id, journal, clock=shout)

    assert type(again.state) is Running


def test_an_unknown_run_is_named(journal: Any) -> None:
    TaskRun("known", journal=journal).start()

    with pytest.raises(UnknownRun, match="no run 'other'"):
        TaskRun.restore("other", journal)


def test_a_run_without_steps_is_not_recorded(journal: Any) -> None:
    TaskRun("r", journal=journal)

    with pytest.raises(UnknownRun):
        TaskRun.restore("r", journal)


class Small(Run):
    start = event(Running, source=Pending)


class Later(Run):
    initial = Running
    end = event(Failed, source=Running)


def test_a_history_of_another_table_is_corrupt(journal: Any) -> None:
    run = TaskRun("r", journal=journal)
    run.start()
    run.succeed()

    with pytest.raises(CorruptJournal, match=r"#2 succeed: Running → Success is not in the table"):
        Small.restore("r", journal)
    with pytest.raises(CorruptJournal, match="began in"):
        Later.restore("r", journal)


@pytest.mark.parametrize("missing", [1, 2])
def test_a_gap_in_the_history_is_corrupt(missing: int) -> None:
    class Gapped(MemoryJournal):
        def steps(self, run: str) -> Any:
            return iter([step for step in super().steps(run) if step.seq != missing])

    journal = Gapped()
    run = TaskRun("r", journal=journal, max_retries=1)
    run.start()
    run.fail()
    run.retry()

    with pytest.raises(CorruptJournal, match="stands where step"):
        TaskRun.restore("r", journal)


def test_settings_that_the_class_does_not_take_are_corrupt(journal: Any) -> None:
    TaskRun("r", journal=journal).start()

    with pytest.raises(CorruptJournal):
        Narrow.restore("r", journal)


class Narrow(Run):
    """A table that could have made the step, but a constructor without policy."""

    start = event(Running, source=Pending)


@pytest.mark.parametrize("journal", [None, "runs.db", {}], ids=repr)
def test_restoring_from_no_journal_is_refused_by_our_tree(journal: Any) -> None:
    with pytest.raises(LifecycleError):
        TaskRun.restore("r", journal)


# One fault per boundary


@pytest.mark.parametrize("error", [OSError("disk"), JournalError("no"), KeyboardInterrupt()])
def test_a_failing_journal_leaves_the_run_where_it_was(error: BaseException) -> None:
    journal = Broken(error)
    run = TaskRun(journal=journal)
    heard = [hook(Recorder()) for hook in (run.on_exit, run.on_enter, run.after)]

    with pytest.raises(type(error)):
        run.start()

    assert (run.state, run.history) == (Pending(), ())
    assert [recorder.steps for recorder in heard] == [[], [], []]
    journal.error = None
    assert type(run.start()) is Running


def test_a_payload_that_cannot_be_written_leaves_the_run_where_it_was(tmp_path: Any) -> None:
    from fsm.journal.sqlite.journal import SQLiteJournal

    journal = SQLiteJournal(tmp_path / "runs.db")
    run = TaskRun("r", journal=journal)
    run.start()

    with pytest.raises(NotSerializable) as caught:
        run.succeed(result=object())

    assert caught.value.field == "result"
    assert type(run.state) is Running
    assert len(list(journal.steps("r"))) == 1
    journal.close()


@pytest.mark.parametrize(
    "clock",
    [
        lambda: datetime.datetime(2020, 1, 1),
        lambda: "now",
        lambda: None,
        lambda: 5,
        lambda: 1 / 0,
    ],
    ids=["naive", "text", "None", "number", "raising"],
)
def test_a_broken_clock_leaves_the_run_where_it_was(clock: Any) -> None:
    run = TaskRun(clock=clock)

    with pytest.raises((InvalidPayload, ZeroDivisionError)):
        run.start()

    assert (run.state, run.history) == (Pending(), ())


def test_a_clock_that_goes_backwards_stops_nothing(run: TaskRun, clock: HandClock) -> None:
    run.start()
    clock.advance(days=-400)
    run.fail()

    assert run.history[1].micros < run.history[0].micros


def test_a_clock_may_answer_in_any_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    run = TaskRun(clock=lambda: datetime.datetime(2020, 1, 1, tzinfo=zone))
    run.start()

    assert run.history[0].at == pendulum.datetime(2020, 1, 1, 5)


def test_the_clock_is_read_once_a_step() -> None:
    reads: list[int] = []

    def clock() -> pendulum.DateTime:
        reads.append(1)
        return pendulum.datetime(2020, 1, 1)

    run = TaskRun(clock=clock)
    run.schedule()
    run.start()
    run.fail()

    assert len(reads) == 3


def test_two_runs_of_one_id_cannot_both_write(journal: Any, clock: HandClock) -> None:
    first = TaskRun("r", journal=journal, clock=clock)
    first.start()
    second = TaskRun.restore("r", journal, clock=clock)
    second.succeed(result=1)

    with pytest.raises(StaleRun, match="succeed: Running → Success") as caught:
        first.fail()

    assert (caught.value.run, caught.value.seq) == ("r", 2)
    assert type(first.state) is Running
    assert type(TaskRun.restore("r", journal).state) is Success


def test_ten_thousand_steps_are_kept(clock: HandClock, obeys: Any) -> None:
    class Ticking(TaskRun):
        tick = internal(source=Running)

    journal = MemoryJournal()
    run = Ticking("r", journal=journal, clock=clock)
    run.start()
    for _ in range(10_000):
        run.tick()

    assert len(run.history) == 10_001
    assert len(Ticking.restore("r", journal).history) == 10_001


def test_a_hundred_thousand_posted_events_do_not_recurse() -> None:
    class Ticking(TaskRun):
        tick = internal(source=Running)

    run = Ticking()
    run.start()
    run.after(Ticking.tick, lambda run, step: run.post("tick") if step.seq < 20_000 else None)

    run.tick()

    assert len(run.history) == 20_000


# Threads


@pytest.mark.parametrize("round_", range(20))
def test_of_eight_threads_exactly_one_moves_the_run(run: TaskRun, round_: int) -> None:
    gate = threading.Barrier(8)

    def fire() -> State | Exception:
        gate.wait()
        try:
            return run.start()
        except TransitionError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(fire) for _ in range(8)]]

    assert [type(answer) for answer in answers].count(Running) == 1
    assert [type(answer) for answer in answers].count(TransitionNotAllowed) == 7
    assert len(run.history) == 1


@pytest.mark.parametrize("round_", range(10))
def test_eight_writers_of_one_id_leave_one_history(journal: Any, round_: int) -> None:
    gate = threading.Barrier(8)
    runs = [TaskRun("r", journal=journal) for _ in range(8)]

    def fire(run: TaskRun) -> State | Exception:
        gate.wait()
        try:
            return run.start()
        except StaleRun as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(fire, runs))

    assert [type(answer) for answer in answers].count(Running) == 1
    assert [type(answer) for answer in answers].count(StaleRun) == 7
    assert len(list(journal.steps("r"))) == 1


def test_runs_that_fire_one_another_do_not_deadlock() -> None:
    one, other = TaskRun("one"), TaskRun("other")
    both = threading.Barrier(2)
    answers: list[object] = []

    def crossing(target: TaskRun) -> Callable[[TaskRun, Step], None]:
        def listener(run: TaskRun, step: Step) -> None:
            both.wait(5)
            target.cancel()

        return listener

    one.on_enter(Running, crossing(other))
    other.on_enter(Running, crossing(one))

    def fire(run: TaskRun) -> None:
        try:
            answers.append(run.start())
        except CallbackError as error:
            answers.extend(error.exceptions)

    threads = [threading.Thread(target=fire, args=(run,), daemon=True) for run in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert not any(thread.is_alive() for thread in threads)
    assert any(isinstance(answer, StepInProgress) for answer in answers)
    assert {len(one.history), len(other.history)} == {1, 2}


def test_many_threads_on_many_runs_keep_the_rules(journal: Any, obeys: Any) -> None:
    runs = [TaskRun(f"r{number}", journal=journal, max_retries=99) for number in range(4)]

    def wander(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            run = chance.choice(runs)
            try:
                run.trigger(chance.choice(["start", "fail", "retry", "pause", "resume"]))
            except TransitionError:
                pass

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(wander, range(6)))

    for run in runs:
        obeys(run)


def test_what_another_thread_posts_during_a_step_fires_at_its_end(run: TaskRun) -> None:
    @run.on_enter(Running)
    def listener(run: TaskRun, step: Step) -> None:
        thread = threading.Thread(target=run.post, args=("succeed",))
        thread.start()
        thread.join()

    run.start()

    assert type(run.state) is Success


def test_the_first_to_ask_says_what_a_runs_state_is() -> None:
    for _ in range(200):
        run = TaskRun()
        gate = threading.Barrier(2)

        def ask(run: TaskRun = run, gate: threading.Barrier = gate) -> State:
            gate.wait()
            return run.state

        with ThreadPoolExecutor(2) as pool:
            one, other = (pool.submit(ask) for _ in range(2))
            assert one.result() is other.result()


def test_two_threads_that_read_an_id_first_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:

    both, numbers = threading.Barrier(2), itertools.count()

    def slow() -> str:
        try:
            both.wait(0.5)
        except threading.BrokenBarrierError:
            pass
        return f"id-{next(numbers)}"

    monkeypatch.setattr("fsm.run.run.new_id", slow)
    run = TaskRun()
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(run.id)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids == [run.id, run.id]


# asyncio


def test_an_event_may_be_awaited(run: TaskRun) -> None:
    state = asyncio.run(run.start.aio(message="awaited"))

    assert (type(state), state.message) == (Running, "awaited")


def test_async_listeners_are_awaited_in_the_same_order(run: TaskRun) -> None:
    heard: list[str] = []

    def saying(word: str) -> Callable[[TaskRun, Step], Any]:
        async def listener(run: TaskRun, step: Step) -> None:
            await asyncio.sleep(0)
            heard.append(word)

        return listener

    async def handler(run: TaskRun, old: State, new: State) -> State:
        heard.append("handler")
        return new.evolve(message="changed")

    run.handler(handler)
    run.before(saying("before"))
    run.on_exit(saying("on_exit"))
    run.on_enter(lambda run, step: heard.append("sync"))
    run.on_enter(saying("on_enter"))
    run.after(saying("after"))

    state = asyncio.run(run.start.aio())

    assert heard == ["handler", "before", "on_exit", "sync", "on_enter", "after"]
    assert state.message == "changed"


def test_an_async_veto_leaves_no_trace(run: TaskRun) -> None:
    @run.before
    async def veto(run: TaskRun, step: Step) -> None:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        asyncio.run(run.start.aio())

    assert run.history == ()


def test_async_errors_after_the_commit_come_out_together(run: TaskRun) -> None:
    async def fails(run: TaskRun, step: Step) -> None:
        raise ValueError(step.event)

    run.on_enter(fails)
    run.after(fails)
    recorder = run.after(Recorder())

    with pytest.raises(CallbackError) as caught:
        asyncio.run(run.start.aio())

    assert len(caught.value.exceptions) == 2
    assert recorder.events == ["start"]
    assert type(run.state) is Running


def test_posted_events_are_awaited_too(run: TaskRun) -> None:
    heard: list[str] = []

    @run.after
    async def listener(run: TaskRun, step: Step) -> None:
        heard.append(step.event)
        if step.event == "start":
            run.post("succeed")
            run.post("resume")

    with pytest.raises(CallbackError) as caught:
        asyncio.run(run.start.aio())

    assert heard == ["start", "succeed"]
    assert [type(error) for error in caught.value.exceptions] == [TransitionNotAllowed]


def test_of_tasks_gathered_exactly_one_moves_the_run(run: TaskRun) -> None:
    @run.before
    async def slowly(run: TaskRun, step: Step) -> None:
        await asyncio.sleep(0)

    async def main() -> list[Any]:
        fired = (run.start.aio() for _ in range(8))
        return await asyncio.gather(*fired, return_exceptions=True)

    answers = asyncio.run(main())

    assert [type(answer) for answer in answers].count(Running) == 1
    assert [type(answer) for answer in answers].count(TransitionNotAllowed) == 7


def test_firing_inside_an_async_step_is_refused(run: TaskRun) -> None:
    caught: list[Exception] = []

    @run.on_enter(Running)
    async def fires(run: TaskRun, step: Step) -> None:
        for fire in (run.cancel, run.cancel.aio):
            try:
                answer = fire()
                if asyncio.iscoroutine(answer):
                    await answer
            except StepInProgress as error:
                caught.append(error)

    asyncio.run(run.start.aio())

    assert len(caught) == 2
    assert len(run.history) == 1


def test_a_thread_waits_for_an_async_step(run: TaskRun) -> None:
    async def main() -> State:
        started, waited_for = asyncio.Event(), asyncio.Event()

        @run.on_enter(Running)
        async def listener(run: TaskRun, step: Step) -> None:
            started.set()
            await waited_for.wait()

        step = asyncio.create_task(run.start.aio())
        await started.wait()
        entered = threading.Event()

        def succeed() -> State:
            entered.set()
            return run.succeed()

        other = asyncio.create_task(asyncio.to_thread(succeed))
        await asyncio.to_thread(entered.wait)
        assert not other.done()
        waited_for.set()
        await step
        return await other

    assert type(asyncio.run(main())) is Success


HOOKS = ["handler", "before", "on_exit", "on_enter", "on_final", "after"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_cancelled_task_leaves_memory_and_journal_in_step(run: TaskRun, hook: str) -> None:
    async def main() -> None:
        there = asyncio.Event()

        async def listener(*told: object) -> None:
            there.set()
            await asyncio.Event().wait()

        getattr(run, hook)(listener)
        task = asyncio.create_task(run.cancel.aio())
        await there.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    committed = hook not in ("handler", "before")
    assert len(run.history) == committed
    assert run._lock.acquire(blocking=False), "the run is free again"
    run._lock.release()


class Gated(MemoryJournal):
    """A journal like a slow disk: it blocks until the gate is open."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()

    def append(self, step: Step, *of: Any, **more: Any) -> None:
        self.entered.set()
        assert self.gate.wait(10)
        super().append(step, *of, **more)


@pytest.mark.parametrize("times", [1, 3])
def test_a_task_cancelled_during_the_append_sees_it_through(times: int, obeys: Any) -> None:
    journal = Gated()
    run = TaskRun("r", journal=journal)

    async def main() -> None:
        task = asyncio.create_task(run.start.aio())
        await asyncio.to_thread(journal.entered.wait)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        journal.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    obeys(run)
    assert type(run.state) is Running


def test_a_task_cancelled_during_an_append_that_fails_has_not_moved() -> None:
    class Failing(Gated):
        def append(self, step: Step, *of: Any, **more: Any) -> None:
            self.entered.set()
            assert self.gate.wait(10)
            raise OSError("disk")

    journal = Failing()
    run = TaskRun("r", journal=journal)

    async def main() -> None:
        task = asyncio.create_task(run.start.aio())
        await asyncio.to_thread(journal.entered.wait)
        task.cancel()
        await asyncio.sleep(0)
        journal.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert run.history == ()


def test_the_end_of_the_loop_during_an_append_leaves_memory_and_journal_in_step(
    obeys: Any,
) -> None:
    journal = Gated()
    run = TaskRun("r", journal=journal)

    async def main() -> None:
        task = asyncio.create_task(run.start.aio())
        await asyncio.to_thread(journal.entered.wait)
        assert not task.done()
        threading.Timer(0.1, journal.gate.set).start()

    asyncio.run(main())  # cancels what is under way, then waits for its threads

    kept = list(journal.steps("r"))
    assert len(run.history) == len(kept)


def test_async_runs_that_fire_one_another_do_not_deadlock() -> None:
    one, other = TaskRun("one"), TaskRun("other")

    async def main() -> set[asyncio.Task[Any]]:
        both = asyncio.Barrier(2)

        def crossing(target: TaskRun) -> Callable[[TaskRun, Step], Any]:
            async def listener(run: TaskRun, step: Step) -> None:
                await both.wait()
                await target.cancel.aio()

            return listener

        one.on_enter(Running, crossing(other))
        other.on_enter(Running, crossing(one))
        tasks = [asyncio.create_task(run.start.aio()) for run in (one, other)]
        _, pending = await asyncio.wait(tasks, timeout=0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return pending

    assert not asyncio.run(main())


def test_firing_in_a_child_task_of_a_step_is_refused() -> None:
    run = TaskRun()

    @run.on_enter(Running)
    async def listener(run: TaskRun, step: Step) -> None:
        await asyncio.gather(run.succeed.aio())

    async def main() -> None:
        with pytest.raises(CallbackError):
            await asyncio.wait_for(run.start.aio(), 0.5)

    asyncio.run(main())


def test_many_tasks_share_one_loop_without_holding_it_up(journal: Any, obeys: Any) -> None:
    runs = [TaskRun(f"r{number}", journal=journal) for number in range(30)]

    async def live(run: TaskRun) -> None:
        await run.start.aio()
        await run.succeed.aio(result=run.id)

    async def main() -> None:
        await asyncio.gather(*(live(run) for run in runs))

    asyncio.run(main())

    for run in runs:
        obeys(run)
        assert run.state.result == run.id


def test_a_subclass_may_carry_settings_of_its_own(journal: Any) -> None:
    class Named(TaskRun):
        def __init__(self, id: str | None = None, *, colour: str = "red", **more: Any) -> None:
            super().__init__(id, **more)
            self.colour = colour

        def settings(self) -> dict[str, Any]:
            return {**super().settings(), "colour": self.colour}

    Named("r", journal=journal, colour="blue", max_retries=2).start()

    again = Named.restore("r", journal)

    assert (again.colour, again.max_retries) == ("blue", 2)


def test_settings_that_cannot_be_written_are_refused_by_our_tree(tmp_path: Any) -> None:
    from fsm.journal.sqlite.journal import SQLiteJournal

    class Odd(TaskRun):
        def settings(self) -> dict[str, Any]:
            return {"x": object()}

    run = Odd(journal=SQLiteJournal(tmp_path / "runs.db"))

    with pytest.raises((StateError, LifecycleError)):
        run.start()


def test_scheduled_defaults_are_those_of_the_runs_clock(run: TaskRun, clock: HandClock) -> None:
    clock.advance(days=3)

    scheduled = run.schedule()

    assert isinstance(scheduled, Scheduled)
    assert scheduled.start_time == clock()


def test_events_that_two_threads_post_at_once_are_both_kept() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        kept = [posted_at_once() for _ in range(2_000)]
    finally:
        sys.setswitchinterval(interval)

    assert set(kept) == {("Cancelled", 2)}


def posted_at_once() -> tuple[str, int]:
    """Where a run ends up that two threads post to in the middle of its first step."""
    run, both = TaskRun("r"), threading.Barrier(2)

    def post(name: str) -> None:
        both.wait()
        run.post(name)

    def busy(run: TaskRun, step: Step) -> None:
        threads = [threading.Thread(target=post, args=(name,)) for name in ("start", "cancel")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run.after(TaskRun.submit)(busy)
    with suppress(CallbackError):  # a start after the cancel
        run.submit()
    return type(run.state).__name__, len(run.history) - 1 + len(run.refusals)
