"""Drive: from where a run stands to its end, as wishes for whoever can wait and execute. No IO."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import attrs

from states import Cached, Looped, Paused, Running, State, StateError, moment

from .errors import CallbackError, GuardRejected
from .timers import due_at

if TYPE_CHECKING:
    import pendulum

    from .task import TaskRun

__all__ = ["Answer", "Execute", "Expired", "Lookup", "Raised", "Returned", "Wait", "Wish", "drive"]

logger = logging.getLogger(__name__)

Lookup = Callable[["TaskRun"], "Cached | None"]


@attrs.frozen
class Wait:
    """Wish: come back at this time."""

    until: pendulum.DateTime


@attrs.frozen
class Execute:
    """Wish: call the task, and answer with what came of it."""

    deadline: pendulum.DateTime | None


@attrs.frozen
class Returned:
    """Answer: the task returned *value*; a state is taken as its outcome."""

    value: Any


@attrs.frozen
class Raised:
    """Answer: the task raised."""

    error: BaseException


@attrs.frozen
class Expired:
    """Answer: the deadline came first. A task's own `TimeoutError` is `Raised`."""


Wish = Wait | Execute
Answer = Returned | Raised | Expired | None


def drive(run: TaskRun, lookup: Lookup | None = None) -> Generator[Wish, Answer, State]:
    """Take *run* from where it stands to its end, and return the state it ends in.

    A paused run is left paused until its time has come. A run found `Running` has lost its
    process: it starts the same attempt again.

    Args:
        lookup: Asked before a start for an earlier result, as a `Cached` that has not expired.
    """
    while True:
        state = run.state
        if isinstance(state, Running):
            message = "Interrupted: its process is gone; starting again."
            _fire(run, "pause", message=message, start_time=_now(run))
        elif isinstance(state, Looped):
            _fire(run, "iterate")
        elif isinstance(state, Cached) and _expired(run):
            _fire(run, "expire")
        elif run.retry.may():
            _fire(run, "retry")
        elif "start" not in run.allowed or (lookup is not None and _hit(run, lookup)):
            return run.state
        elif not run.start.may():
            waits = due_at(run)
            if isinstance(state, Paused) or waits is None:
                return run.state
            yield Wait(waits.at)
        else:
            _fire(run, "start")
            _settle(run, (yield Execute(run.deadline)))


def _settle(run: TaskRun, answer: Answer) -> None:
    """Fire what came of the task."""
    if isinstance(answer, Raised):
        _fail(run, answer.error)
    elif isinstance(answer, Returned) and not _late(run):
        try:
            _succeed(run, answer.value)
        except (StateError, GuardRejected) as error:  # the outcome cannot be kept, or is not legal
            _fail(run, error)
    else:
        _fire(run, "time_out")


def _succeed(run: TaskRun, value: Any) -> None:
    if isinstance(value, State):
        _reported(run, lambda: run.enter(value))
    else:
        _fire(run, "succeed", result=value)
    if run.policy.cache_for is not None and run.state.is_successful() and run.cache.may():
        _fire(run, "cache")


def _fail(run: TaskRun, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        _fire(run, "cancel", message="Interrupt signal raised, cancelling task run.")
    else:
        _fire(run, "fail", result=error)


def _hit(run: TaskRun, lookup: Lookup) -> bool:
    """Whether *lookup* knew a result that has not expired, which the run then has."""
    found = lookup(run)
    if found is None:
        return False
    entry = {
        "message": found.message,
        "result": found._result,
        "cached_parameters": found.cached_parameters,
        "cached_result_expiration": found.cached_result_expiration,
    }
    if not run.cache.may(**entry):
        return False
    _fire(run, "cache", **entry)
    return True


def _late(run: TaskRun) -> bool:
    return run.deadline is not None and run.time_out.may()


def _expired(run: TaskRun) -> bool:
    waits = due_at(run)
    return waits is not None and waits.at <= _now(run)


def _fire(run: TaskRun, event: str, **payload: Any) -> None:
    _reported(run, lambda: run.trigger(event, **payload))


def _reported(run: TaskRun, fire: Callable[[], State]) -> None:
    """Fire; where a listener fails afterwards, log it: the step stands and the run goes on."""
    try:
        fire()
    except CallbackError as error:
        logger.error("run %s: %s", run.id, error, exc_info=error)


def _now(run: TaskRun) -> pendulum.DateTime:
    return moment.from_micros(run._micros())
