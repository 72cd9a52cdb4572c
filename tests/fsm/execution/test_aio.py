"""aperform: runs under asyncio, by a clock that a test advances."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pendulum
import pytest

from fsm import Outcome, StaleRun, TaskRun, aperform, current_run
from fsm.testing import HandClock, Recorder
from states import Cancelled, Failed, Looped, Paused, Skipped, Success, TimedOut

START = pendulum.datetime(2020, 1, 1)


def done(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def events(run: TaskRun) -> list[str]:
    return [step.event for step in run.history]


async def hang() -> None:
    await asyncio.Event().wait()


def test_an_async_task_is_awaited(run: TaskRun) -> None:
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    state = done(aperform(run, add, 1, b=2))

    assert (type(state), state.result) == (Success, 3)
    assert events(run) == ["start", "succeed"]


def test_a_task_that_is_not_async_is_called_in_a_thread(run: TaskRun) -> None:
    seen: list[int] = []

    state = done(aperform(run, lambda: seen.append(threading.get_ident())))

    assert type(state) is Success
    assert seen[0] != threading.get_ident()


def test_a_failure_is_retried_after_its_delay(clock: HandClock, journal: Any) -> None:
    run = TaskRun("r", journal=journal, clock=clock, max_retries=2, retry_delay=60)

    async def fails() -> int:
        if run.attempts < 3:
            raise ValueError("not yet")
        return run.attempts

    state = done(aperform(run, fails))

    assert state.result == 3
    starts = [step.at for step in run.history if step.event == "start"]
    assert starts == [START.add(seconds=60 * number) for number in range(3)]


def test_an_async_task_is_cancelled_after_its_time_limit(clock: HandClock) -> None:
    clock.patience = 0.01
    run = TaskRun(clock=clock, timeout=30)
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await hang()
        finally:
            ended.append("cancelled")

    state = done(aperform(run, hangs))

    assert type(state) is TimedOut
    assert str(state.result) == "no end after 30 s"
    assert ended == ["cancelled"]
    assert clock() == START.add(seconds=30)


def test_a_thread_that_goes_on_after_its_time_limit_is_reported(clock: HandClock) -> None:
    clock.patience = 0.01
    run, gate = TaskRun(clock=clock, timeout=30), threading.Event()

    async def performed() -> Any:
        try:
            return await aperform(run, gate.wait)
        finally:
            gate.set()

    state = done(performed())

    assert type(state) is TimedOut
    assert "cannot be stopped" in str(state.result)


def test_a_caller_that_is_cancelled_cancels_task_and_run(run: TaskRun) -> None:
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await hang()
        finally:
            ended.append("cancelled")

    async def cancelled() -> None:
        performing = asyncio.ensure_future(aperform(run, hangs))
        while not run.state.is_running():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        performing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await performing

    done(cancelled())

    assert type(run.state) is Cancelled
    assert ended == ["cancelled"]


@pytest.mark.parametrize("outcome", [Skipped("no"), Failed("bad"), Paused()], ids=repr)
def test_an_outcome_may_be_returned_or_raised(clock: HandClock, outcome: Any) -> None:
    async def returns() -> Any:
        return outcome

    async def raises() -> Any:
        raise Outcome(outcome)

    for task in (returns, raises):
        assert type(done(aperform(TaskRun(clock=clock), task))) is type(outcome)


def test_a_loop_goes_round(run: TaskRun) -> None:
    async def page() -> Any:
        current = current_run()
        seen = [*(current.loop_result or []), current.loop_count]
        return Looped(result=seen) if len(seen) < 3 else seen

    assert done(aperform(run, page)).result == [1, 2, 3]


def test_async_listeners_are_awaited(run: TaskRun) -> None:
    heard: list[str] = []

    @run.after
    async def listens(run: object, step: Any) -> None:
        await asyncio.sleep(0)
        heard.append(step.event)

    done(aperform(run, int))

    assert heard == ["start", "succeed"]


def test_many_runs_go_on_side_by_side(clock: HandClock) -> None:
    runs = [TaskRun(clock=clock) for _ in range(20)]

    async def together() -> None:
        all_there = asyncio.Barrier(20)
        await asyncio.gather(*(aperform(run, all_there.wait) for run in runs))

    done(together())

    assert {type(run.state) for run in runs} == {Success}


def test_each_task_knows_its_own_run(clock: HandClock) -> None:
    async def who() -> str:
        await asyncio.sleep(0)
        return current_run().id

    async def together() -> list[Any]:
        runs = [TaskRun(f"r{number}", clock=clock) for number in range(5)]
        return await asyncio.gather(*(aperform(run, who) for run in runs))

    assert [state.result for state in done(together())] == ["r0", "r1", "r2", "r3", "r4"]


def test_steps_that_others_make_stand(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)
    heard = run.after(Recorder())

    async def cancelled() -> int:
        TaskRun.restore("r", journal).cancel()
        return 1

    assert type(done(aperform(run, cancelled))) is Cancelled
    assert heard.events == ["start", "cancel"]


def test_a_run_that_another_process_runs_is_left_to_it(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock)

    async def taken() -> None:
        other = TaskRun.restore("r", journal)
        other.rescue()
        other.start()

    with pytest.raises(StaleRun):
        done(aperform(run, taken))


def test_a_task_that_cancels_itself_has_failed(run: TaskRun) -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    assert type(done(aperform(run, cancels))) is Failed
