"""Replay: the traces of the reference system, as runs, tasks and calls of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

import pendulum

import states
from fsm import Call, Outcome, Runner, Step, TaskRun
from fsm.errors import InvalidArgument
from fsm.states import ambient
from fsm.tasks.trigger_rules import manual_only
from fsm.testing import HandClock
from states import (
    Cached,
    Cancelled,
    Failed,
    Looped,
    Mapped,
    Paused,
    Pending,
    Retrying,
    State,
    Success,
    TriggerFailed,
    ValidationFailed,
)

__all__ = [
    "LATER",
    "LOOP_FAILS",
    "NOW",
    "PLAYS",
    "Change",
    "Rounds",
    "Stopped",
    "Task",
    "played",
    "raises",
    "seen",
]

NOW = pendulum.datetime(2020, 5, 14, 21, 12, 0, 123456)
LATER = NOW.add(hours=1)

Change = tuple[str, str, Any]  # from, to, and what the state that was entered says
Task = Callable[..., Any]


class Stopped(BaseException):
    """The reference returns where ours waits for a time to come; here ours stops there, too."""


class Rounds(HandClock):
    """A clock by which a runner waits for a time to come only so often."""

    def __init__(self, rounds: int) -> None:
        super().__init__(NOW)
        self._left = rounds

    def wait(self, work: Any, seconds: float | None) -> None:
        self._left -= not work
        if self._left == 0:
            raise Stopped
        super().wait(work, seconds)


def built(wire: dict[str, Any] | None) -> State | None:
    """The state a trace began with; None where the run begins as it likes."""
    if wire is None:
        return None
    given: dict[str, Any] = {"message": wire["message"]}
    if "start_time" in wire:
        given["start_time"] = pendulum.parse(wire["start_time"])
    if "run_count" in wire:
        given["run_count"] = wire["run_count"]
    if "state" in wire:
        given["state"] = built(wire["state"])
    return getattr(states, wire["class"])(**given)


class Play(NamedTuple):
    """How a trace is performed."""

    task: Task = lambda: 1
    settings: Mapping[str, Any] = MappingProxyType({})  # of its run
    given: Mapping[str, Any] = MappingProxyType({})  # to its call
    handler: Task | None = None
    lookup: Task | None = None


def raises(error: BaseException) -> Task:
    """A task that raises *error*."""

    def task(*given: Any) -> None:
        raise error

    return task


def signals(state: State, **settings: Any) -> Play:
    """Where a task of the reference raises a signal, one of ours raises an outcome."""
    return Play(raises(Outcome(state)), settings)


def after(*above: State, **given: Any) -> Play:
    """It comes after runs in these states."""
    return Play(given={"after": [TaskRun(state=state) for state in above], **given})


def loops(then: Task) -> Task:
    """A task that loops once, and does *then* in the iteration after that."""

    def task() -> Any:
        names = ambient.context()
        if names["task_loop_count"] == 1:
            raise Outcome(Looped(result="first"))
        assert names["task_loop_result"] == "first"
        return then(names["task_loop_count"], names["task_run_count"])

    return task


def boom(loop: int, attempt: int) -> None:
    raise ValueError(f"boom at {loop}, run {attempt}")


def on_success(handle: Task) -> Task:
    """A state handler that has something to say of a success."""
    return lambda run, old, new: handle() if type(new) is Success else None


TWICE = {"max_retries": 2, "retry_delay": 600}
LOOP_FAILS = "LOOP then failure with max_retries=2: the retry resumes at the same loop index"

PLAYS = {
    "manual_only from Resume": after(Success(), trigger_rule=manual_only),
    "trigger raises": after(Success(), trigger_rule=lambda upstream: 1 / 0),
    "upstream Mapped": after(Mapped()),
    "upstream Mapped[Success,Pending] unmapped edge": after(
        Mapped(map_states=[Success(), Pending()])
    ),
    "upstream Success": after(Success()),
    "upstream Cached": after(Cached()),
    "upstream TriggerFailed": after(TriggerFailed()),
    "upstream Cancelled": after(Cancelled()),
    "upstream Success+Failed": after(Success(), Failed()),
    "raises ValueError": Play(raises(ValueError("boom"))),
    "raise_on_exception in context": Play(raises(ValueError("boom"))),
    "missing argument to run": Play(lambda x: x),
    "task.run raises FAIL('m')": signals(Failed("m")),
    "task.run raises FAIL('m', result=5)": signals(Failed("m", result=5)),
    "task.run raises SUCCESS('m', result=5)": signals(Success("m", result=5)),
    "task.run raises TRIGGERFAIL('m', result=5)": signals(TriggerFailed("m", result=5)),
    "task.run raises PAUSE('m')": signals(Paused("m")),
    "task.run raises PAUSE('m', result=5)": signals(Paused("m", result=5)),
    "task.run raises VALIDATIONFAIL('m') with max_retries=2": signals(
        ValidationFailed("m"), **TWICE
    ),
    "task.run raises RETRY('m', start_time=future, run_count=9)": signals(
        Retrying("m", start_time=LATER, run_count=9)
    ),
    "LOOP without message": Play(loops(then=lambda loop, attempt: loop)),
    LOOP_FAILS: Play(loops(then=boom), TWICE),
    "cache_for, expired candidate": Play(
        settings={"cache_for": 60},
        lookup=lambda run: Cached("old", cached_result_expiration=NOW),
    ),
    "handler raises RETRY on Success": Play(
        settings=TWICE, handler=on_success(lambda: Retrying("from handler"))
    ),
    "task handler raises on Success with retries": Play(
        settings=TWICE, handler=on_success(raises(RuntimeError("handler broke")))
    ),
}


def played(trace: dict[str, Any]) -> tuple[list[Change], str]:
    """What ours does: each change of state with its message, and where that leads."""
    clock = Rounds(rounds=len(trace["finals"]))
    play = PLAYS.get(trace["desc"], Play())
    began = built(trace["initial"])
    run = TaskRun(state=None if type(began) is State else began, clock=clock, **play.settings)
    if play.handler is not None:
        run.handler(play.handler)
    refused = (Stopped, InvalidArgument, RuntimeError)  # an upstream that is not done; a veto
    with Runner(clock=clock, workers=1, lookup=play.lookup) as runner, suppress(*refused):
        runner.perform_all([Call(run, play.task, **play.given)])
    return [as_change(step) for step in run.history], type(run.state).__name__


def as_change(step: Step) -> Change:
    return type(step.source).__name__, type(step.dest).__name__, step.dest.message


def seen(trace: dict[str, Any]) -> tuple[list[Change], str]:
    """What the reference did."""
    changes = [
        (each["from"], each["to"], each["message"]) for each in trace["changes"] if "from" in each
    ]
    return changes, trace["finals"][-1]["class"]
