"""The steps that follow from the result of a task, as commands."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from fsm.errors import StaleRun, TransitionError, TransitionNotAllowed
from fsm.lifecycle.payload import arguments_of
from fsm.run import firing
from fsm.run.access import now
from fsm.states import Running, State, StateError, ambient
from fsm.states.timing import start_of

from .commands import (
    Command,
    Displaced,
    Expired,
    Fire,
    Raised,
    Recorded,
    Reply,
    Returned,
    Wait,
)
from .context import Outcome

if TYPE_CHECKING:
    from fsm.tasks.task_run import TaskRun

__all__ = [
    "INTERRUPTED",
    "Commands",
    "can",
    "enter_state",
    "leads",
    "recover",
    "retry",
    "settle",
    "wait_for_retry",
]

INTERRUPTED = "Interrupt signal raised, cancelling task run."
_DISPLACED = "The pool it ran in broke under another run; it starts again."

Commands = Generator[Command, Reply, None]


def settle(run: TaskRun, reply: Reply) -> Commands:
    """Yield the commands that follow from the result of the task of a run."""
    match reply:
        case Returned(value):
            yield from _record_value(run, value)
        case Raised(Outcome() as outcome):
            yield from _record_value(run, outcome.state)
        case Raised(KeyboardInterrupt()):
            yield Fire("cancel", {"message": INTERRUPTED})
        case Raised(error):
            yield Fire("fail", {"result": error})
        case Expired(stopped):
            yield from _expire(run, stopped=stopped)
        case Displaced() if can(run, "pause"):
            yield Fire("pause", {"message": _DISPLACED, "start_time": now(run)})
        case Recorded() if not isinstance(run.state, Running):
            pass
        case _ if run.deadline is not None and can(run, "time_out"):
            yield from _expire(run, stopped=True)
        case _:
            yield from recover(run)
    if run.state.is_failed() and can(run, "retry"):
        yield Fire("retry", {})
    yield from wait_for_retry(run)  # the retry may be ours, the task's, or another process's


def _record_value(run: TaskRun, value: Any) -> Commands:
    if run.deadline is not None and can(run, "time_out"):
        yield from _expire(run, stopped=True)
        return
    try:
        if isinstance(value, State):
            yield from enter_state(run, value)
        else:
            yield Fire("succeed", {"result": value})
    except StaleRun:
        raise
    except (StateError, TransitionError) as error:  # not serialisable, or not legal
        yield Fire("fail", {"message": str(error), "result": error})
        return
    if run.policy.cache.cache_for is not None and run.state.is_successful() and can(run, "cache"):
        parameters = ambient.context().get("parameters")
        yield Fire("cache", {} if parameters is None else {"cached_parameters": parameters})


def _expire(run: TaskRun, *, stopped: bool) -> Commands:
    seconds = run.policy.timeout.attempt
    limit = "its time is up" if seconds is None else f"no end after {seconds:g} s"
    error = TimeoutError(limit if stopped else f"{limit}; its thread cannot be stopped and goes on")
    if can(run, "time_out"):
        yield Fire("time_out", {"result": error})
    else:
        yield Fire("fail", {"message": "Task timed out during execution.", "result": error})


def recover(run: TaskRun) -> Commands:
    """Rescue a run whose worker is lost, so that the same attempt can start again; or fail it."""
    if can(run, "rescue"):
        yield Fire("rescue", {})
    else:
        yield Fire("fail", {"message": "Its worker was lost."})


def retry(run: TaskRun) -> Commands:
    """Retry, and wait for the delay by both clocks."""
    yield Fire("retry", {})
    yield from wait_for_retry(run)


def wait_for_retry(run: TaskRun) -> Commands:
    """Wait for as long as lies between the step of a retry and its start."""
    start = start_of(run.state)
    if start is not None and run.history[-1].event == "retry" and start > run.history[-1].at:
        yield Wait(start, (start - run.history[-1].at).total_seconds())


def enter_state(run: TaskRun, state: State) -> Commands:
    """Fire the event that leads to *state*: of several, the first whose guards pass."""
    events, given = run.lifecycle.leading(type(run.state), type(state)), arguments_of(state)
    if not events:
        raise TransitionNotAllowed(f"enter {type(state).__name__}", run.state, run.allowed)
    passing = (event for event in events[:-1] if can(run, event, **given))
    yield Fire(next(passing, events[-1]), given)


def can(run: TaskRun, event: str, **payload: Any) -> bool:
    """Whether its class has this event, and firing it now would succeed."""
    return leads(run, event) and not firing.refusal(event, run, **payload)


def leads(run: TaskRun, event: str) -> bool:
    """Whether *event* leads out of the present state of the run; guards are not asked."""
    return run.lifecycle.leads(event, type(run.state))
