"""Drive: from where a run stands to its end, as wishes for whoever can wait and execute. No IO."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import attrs

from states import Cached, Looped, Paused, Running, State, StateError, moment

from .draft import given_by
from .errors import CallbackError, InvalidArgument, StaleRun, TransitionError
from .guards import start_of
from .timers import due_at

if TYPE_CHECKING:
    import pendulum

    from .task import TaskRun

__all__ = ["Answer", "Execute", "Expired", "Lookup", "Raised", "Returned", "Wait", "Wish", "drive"]

logger = logging.getLogger(__name__)

Lookup = Callable[["TaskRun"], "Cached | None"]


@attrs.frozen
class Wait:
    """Wish: come back at this time, and not before so many seconds have really passed.

    A retry waits for its delay even if somebody sets the clock forward meanwhile.
    """

    until: pendulum.DateTime
    at_least: float = 0.0


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
    worker: it is rescued, and starts the same attempt again, while its policy allows that.

    Args:
        lookup: Asked before a start for an earlier result, as a `Cached` that has not expired.
    """
    while True:
        state = run.state
        if isinstance(state, Running):
            _begin_again(run)
        elif isinstance(state, Looped) and _can(run, "iterate"):
            _fire(run, "iterate")
        elif isinstance(state, Cached) and _expired(run) and _can(run, "expire"):
            _fire(run, "expire")
        elif _can(run, "retry"):
            _fire(run, "retry")
            delay = _delay(run)
            if delay is not None:
                yield delay
        elif _stays(run) or (lookup is not None and _hit(run, lookup)):
            return run.state
        elif not _can(run, "start"):
            waits = due_at(run)
            if waits is None:
                return run.state
            yield Wait(waits.at)
        else:
            _fire(run, "start")
            _settle(run, (yield Execute(run.deadline)))


def _stays(run: TaskRun) -> bool:
    """Whether neither time nor we can start it: it is finished, or paused until somebody comes."""
    paused = isinstance(run.state, Paused) and not _can(run, "start")
    return paused or "start" not in run.allowed


def _begin_again(run: TaskRun) -> None:
    """The process that ran it is gone: back to where the same attempt can start, or failed."""
    if _can(run, "rescue"):
        _fire(run, "rescue")
    else:
        _fire(run, "fail", message="Its worker was lost.")


def _delay(run: TaskRun) -> Wait | None:
    """What to wait for after a retry: as long as lies between its step and its start."""
    start = start_of(run.state)
    if start is None or start <= run.history[-1].at:
        return None
    return Wait(start, (start - run.history[-1].at).total_seconds())


def _settle(run: TaskRun, answer: Answer) -> None:
    """Fire what came of the task."""
    if isinstance(answer, Raised):
        _fail(run, answer.error)
    elif isinstance(answer, Returned) and not (run.deadline and _can(run, "time_out")):
        try:
            _succeed(run, answer.value)
        except StaleRun:
            raise
        except (StateError, TransitionError) as error:  # cannot be kept, or is not legal
            _fire(run, "fail", message=str(error), result=error)
    elif _can(run, "time_out"):
        _fire(run, "time_out")
    else:
        _fire(run, "fail", message="Task timed out during execution.")


def _succeed(run: TaskRun, value: Any) -> None:
    if isinstance(value, State):
        _reported(run, lambda: run.enter(value))
    else:
        _fire(run, "succeed", result=value)
    if run.policy.cache_for is not None and run.state.is_successful() and _can(run, "cache"):
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
    if not isinstance(found, Cached):
        raise InvalidArgument(f"a lookup answers with a Cached or None, not {found!r}")
    entry = given_by(found)
    if not _can(run, "cache", **entry):
        return False
    _fire(run, "cache", **entry)
    return True


def _expired(run: TaskRun) -> bool:
    waits = due_at(run)
    return waits is not None and waits.at <= _now(run)


def _can(run: TaskRun, event: str, **payload: Any) -> bool:
    """Whether *event* is in the table of this class at all, and would pass now."""
    return event in run.allowed and run.why_not(event, **payload) is None


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
