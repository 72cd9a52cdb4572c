# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What mypy and Pyright know of the API. Never run; each ignore must be needed."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, assert_type

import attrs

from fsm import (
    Cache,
    Call,
    Event,
    MemoryJournal,
    Policy,
    Retry,
    Run,
    Runner,
    Step,
    TaskRun,
    Timeout,
    event,
    internal,
    open_journal,
    perform,
)
from fsm.explain import Why
from fsm.journal import Journal
from fsm.lifecycle.event import EventMethod, WhyLike
from fsm.testing import HandClock, Recorder
from states import Failed, Pending, Queued, Retrying, Running, State, Success

soon = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def firing(run: TaskRun) -> None:
    """Events are methods that take and return what their states say."""
    assert_type(run.start(), Running)
    assert_type(run.start("hello", 5, context={"a": 1}), Running)
    assert_type(run.retry(start_time=soon, run_count=2), Retrying)
    assert_type(run.queue(state=Pending(), start_time=soon), Queued)
    run.retry(begin=soon)  # type: ignore[call-arg]
    run.retry(run_count="two")  # type: ignore[arg-type]
    run.retry(start_time="soon")  # type: ignore[arg-type]
    run.schedule(run_count=2)  # type: ignore[call-arg]
    run.succeed("m", 2, None, None, 5)  # type: ignore[call-arg]
    run.retri()  # type: ignore[attr-defined]
    success: Success = run.fail()  # type: ignore[assignment]
    print(success)


def acting_as(run: TaskRun) -> None:
    """Asking takes the same arguments as firing."""
    assert_type(run.retry.may(), bool)
    assert_type(run.retry.may(start_time=soon), bool)
    assert_type(run.retry.why_not(), WhyLike | None)
    assert_type(run.retry.name, str)
    assert_type(run.allowed, tuple[str, ...])
    assert_type(run.why_not("retry"), Why | None)
    run.retry.may(begin=soon)  # type: ignore[call-arg]
    run.retry.why_not(run_count="two")  # type: ignore[arg-type]


async def awaiting(run: TaskRun) -> None:
    """Awaiting does too."""
    assert_type(await run.retry.aio(start_time=soon), Retrying)
    await run.retry.aio(begin=soon)  # type: ignore[call-arg]
    await run.retry()  # type: ignore[misc]


def by_name(run: TaskRun, step: Step) -> None:
    """Firing by name knows no more than that a state comes out."""
    assert_type(run.trigger("retry", start_time=soon), State)
    assert_type(run.enter(Failed("m")), State)
    assert_type(run.state, State)
    assert_type(run.history, tuple[Step, ...])
    assert_type(step.dest, State)
    run.post(TaskRun.retry)
    run.post("retry")
    run.enter("Failed")  # type: ignore[arg-type]


@attrs.frozen
class Quarantined(Failed):
    """Failed, and not to be touched."""

    reason: str = ""


class CarefulRun(TaskRun):
    """A user's table."""

    quarantine = event(Quarantined, source=Failed)
    note = internal(source=Running)

    def on_enter_Quarantined(self, step: Step) -> None:
        """Listen."""


def extending(run: CarefulRun) -> None:
    """A user's rows are typed as ours are."""
    assert_type(run.quarantine(reason="odd"), Quarantined)
    assert_type(run.start(), Running)
    assert_type(run.note(message="half"), State)
    run.quarantine(reason=5)  # type: ignore[arg-type]
    run.quarantine(cause="odd")  # type: ignore[call-arg]


def on_the_class() -> None:
    """On the class an event is itself, on a run it is bound."""
    declared: Event[..., Retrying] = TaskRun.retry
    bound: EventMethod[..., Retrying] = TaskRun().retry
    wrong: Event[..., Success] = TaskRun.retry  # type: ignore[assignment]
    print(declared, bound, wrong, TaskRun.retry.rows)
    TaskRun.retry()  # type: ignore[operator]


def declaring() -> None:
    """A declaration needs a source and functions."""
    event(Running)  # type: ignore[call-arg]
    event(Running, source="Pending")  # type: ignore[arg-type]
    event(Running, source=Pending, conditions=["attempts_left"])  # type: ignore[list-item]
    event(5, source=Pending)  # type: ignore[arg-type]


def listening(run: TaskRun) -> None:
    """Hooks take listeners, and give them back."""

    @run.after(TaskRun.retry)
    def told(run: TaskRun, step: Step) -> int:
        return step.seq

    @run.on_enter(Retrying)
    def entered(run: TaskRun, step: Step) -> int:
        return step.seq

    recorder = run.after(TaskRun.retry, Recorder())
    assert_type(recorder, Recorder)
    assert_type(told(run, run.history[0]), int)
    assert_type(run.on_enter(Retrying, told)(run, run.history[0]), int)
    assert_type(entered(run, run.history[0]), int)
    run.after(3)  # type: ignore[call-overload]


def keeping() -> None:
    """Runs are made, kept and restored as their class."""
    journal: Journal = MemoryJournal()
    assert_type(open_journal("memory:"), Journal)
    assert_type(CarefulRun.restore("r", journal), CarefulRun)
    TaskRun(clock=HandClock(), max_retries=2, timeout=datetime.timedelta(seconds=3))
    TaskRun(retries=2)  # type: ignore[call-arg]
    TaskRun(journal="runs.db")  # type: ignore[arg-type]
    Policy(Retry(3, delay=5), Timeout(datetime.timedelta(1)))
    run: Run = TaskRun()
    print(run)


def trying(run: TaskRun, day: datetime.timedelta) -> None:
    """A policy consists of a Retry, a Timeout and a Cache."""
    retry = Retry(3, day, 2.0, cap=3600, jitter=0.1, within=day, on=[ConnectionError, "a.B"])
    policy = Policy(retry, Timeout(60, total=day), Cache("key", day, "all_inputs"))
    TaskRun(policy=policy, timeout=Timeout(5))
    Policy(retry=Retry(on=OSError, max_rescues=1), cache=Cache(cache_for=day))
    Policy(retry, 60)  # type: ignore[arg-type]
    Policy(max_retries=3)  # type: ignore[call-arg]
    assert_type(policy.retry, Retry)
    assert_type(policy.timeout, Timeout)
    assert_type(policy.timeout.attempt, float | None)
    assert_type(policy.retry.delay, float)
    assert_type(run.rerun(), Retrying)
    assert_type(run.fail_map(), Failed)
    assert_type(run.resumed, bool)
    Retry(on=[int])  # type: ignore[list-item]
    Timeout("soon")  # type: ignore[arg-type]
    Policy(3)  # type: ignore[arg-type]
    Policy(retries=3)  # type: ignore[call-arg]
    Cache(key=5)  # type: ignore[arg-type]


def performing(run: TaskRun, work: Sequence[Any]) -> None:
    """The runner takes calls, and gives states."""
    assert_type(perform(run, print, "x"), State)
    with Runner(workers=2) as runner:
        assert_type(runner.perform_all([Call(run, print)]), list[State])
        assert_type(runner.map(run, str, work), State)
    perform("run", print)  # type: ignore[arg-type]
