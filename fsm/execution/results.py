"""Settlement: the steps that follow from what came of a task, as wishes."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from fsm.errors import StaleRun, TransitionError, TransitionNotAllowed
from fsm.lifecycle.payload import given_by
from fsm.run import firing
from fsm.run.access import now
from fsm.states import Running, State, StateError, ambient
from fsm.states.timing import start_of

from .commands import (
    Answer,
    Displaced,
    Expired,
    Fire,
    Interrupted,
    Raised,
    Returned,
    Settled,
    Wait,
    Wish,
)
from .context import Outcome

if TYPE_CHECKING:
    import pendulum

    from fsm.tasks.task_run import TaskRun

__all__ = [
    "INTERRUPTED",
    "Steps",
    "can",
    "delay",
    "enter",
    "leads",
    "lose",
    "now_of",
    "settle",
    "try_again",
]

INTERRUPTED = "Interrupt signal raised, cancelling task run."

Steps = Generator[Wish, Answer, None]


def settle(run: TaskRun, answer: Answer) -> Steps:
    """Wish for the steps that follow from what came of the task."""
    match answer:
        case Returned(value):
            yield from _returned(run, value)
        case Raised(Outcome() as outcome):
            yield from _returned(run, outcome.state)
        case Raised(KeyboardInterrupt()) | Interrupted():
            yield Fire("cancel", {"message": INTERRUPTED})
        case Raised(error):
            yield Fire("fail", {"result": error})
        case Expired(stopped):
            yield from _expire(run, stopped=stopped)
        case Displaced() if can(run, "pause"):
            yield Fire("pause", {"message": _DISPLACED, "start_time": now_of(run)})
        case Settled() if not isinstance(run.state, Running):
            pass
        case _ if run.deadline is not None and can(run, "time_out"):
            yield from _expire(run, stopped=True)
        case _:
            yield from lose(run)
    if run.state.is_failed() and can(run, "retry"):
        yield Fire("retry", {})
    yield from delay(run)  # whoever made the retry: we, the task, or somebody else


_DISPLACED = "The pool it ran in broke under another run; it starts again."


def _returned(run: TaskRun, value: Any) -> Steps:
    if run.deadline is not None and can(run, "time_out"):
        yield from _expire(run, stopped=True)
        return
    try:
        if isinstance(value, State):
            yield from enter(run, value)
        else:
            yield Fire("succeed", {"result": value})
    except StaleRun:
        raise
    except (StateError, TransitionError) as error:  # cannot be kept, or is not legal
        yield Fire("fail", {"message": str(error), "result": error})
        return
    if run.policy.cache.cache_for is not None and run.state.is_successful() and can(run, "cache"):
        parameters = ambient.context().get("parameters")
        yield Fire("cache", {} if parameters is None else {"cached_parameters": parameters})


def _expire(run: TaskRun, *, stopped: bool) -> Steps:
    seconds = run.policy.timeout.attempt
    limit = "its time is up" if seconds is None else f"no end after {seconds:g} s"
    error = TimeoutError(limit if stopped else f"{limit}; its thread cannot be stopped and goes on")
    if can(run, "time_out"):
        yield Fire("time_out", {"result": error})
    else:
        yield Fire("fail", {"message": "Task timed out during execution.", "result": error})


def lose(run: TaskRun) -> Steps:
    """Whoever ran it is gone: back to where the same attempt can start, or failed."""
    if can(run, "rescue"):
        yield Fire("rescue", {})
    else:
        yield Fire("fail", {"message": "Its worker was lost."})


def try_again(run: TaskRun) -> Steps:
    """Try again; a delay is waited for from its step on, by whatever clock."""
    yield Fire("retry", {})
    yield from delay(run)


def delay(run: TaskRun) -> Steps:
    """Wait as long as lies between the step of a retry and its start."""
    start = start_of(run.state)
    if start is not None and run.history[-1].event == "retry" and start > run.history[-1].at:
        yield Wait(start, (start - run.history[-1].at).total_seconds())


def enter(run: TaskRun, state: State) -> Steps:
    """As `Run.enter`: by whichever event leads there."""
    events, given = run.lifecycle.leading(type(run.state), type(state)), given_by(state)
    if not events:
        raise TransitionNotAllowed(f"enter {type(state).__name__}", run.state, run.allowed)
    passing = (event for event in events[:-1] if can(run, event, **given))
    yield Fire(next(passing, events[-1]), given)


def can(run: TaskRun, event: str, **payload: Any) -> bool:
    """Whether *event* is in the table of this class at all, and would pass now."""
    return leads(run, event) and not firing.refusal(event, run, **payload)


def leads(run: TaskRun, event: str) -> bool:
    """Whether *event* leads out of where the run stands."""
    return run.lifecycle.leads(event, type(run.state))


def now_of(run: TaskRun) -> pendulum.DateTime:
    return now(run)
