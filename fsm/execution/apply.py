"""Applies the commands that change a run, and notifies observers of the steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import CallbackError
from fsm.run.access import step_count, steps_after
from fsm.states import State

from .commands import CatchUp, Command, Fire, Reply

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step
    from fsm.tasks.task_run import TaskRun

__all__ = [
    "Decisions",
    "Done",
    "Observer",
    "apply",
    "log_callback_error",
    "notify",
    "resume",
    "run_commands",
]

logger: logging.Logger = logging.getLogger(__name__)

Observer = Callable[["TaskRun", "Step"], object]
Decisions = Generator[Command, Reply, State]  # from the present state of a run to its last


@attrs.frozen
class Done:
    """A decider has no more commands; *value* is what it returned."""

    value: Any


def resume(decider: Generator[Command, Reply, Any], reply: Reply | Exception) -> Command | Done:
    """Give a reply to *decider*, or throw an error into it, and return its next command."""
    try:
        return decider.throw(reply) if isinstance(reply, Exception) else decider.send(reply)
    except StopIteration as stop:
        return Done(stop.value)


def run_commands(
    run: TaskRun,
    decider: Generator[Command, Reply, Any],
    reply: Reply = None,
    observers: Iterable[Observer] = (),
) -> Command | Done:
    """Resume *decider* and apply its commands until one takes time, which is returned."""
    command = resume(decider, reply)
    while isinstance(command, Fire | CatchUp):
        outcome: Reply | Exception
        try:
            outcome = apply(run, command, observers)
        except Exception as error:  # the decider knows whether it can be handled
            outcome = error
        command = resume(decider, outcome)
    return command


def apply(run: TaskRun, command: Fire | CatchUp, observers: Iterable[Observer] = ()) -> int | None:
    """Fire an event, or apply the steps that others have made and return how many.

    An error of a listener is logged: the step was made, and the run goes on.
    """
    known = step_count(run)
    try:
        if isinstance(command, Fire):
            run.trigger(command.event, **command.payload)
        else:
            run.catch_up()
    except CallbackError as error:
        log_callback_error(run, error)
    count = notify(run, known, observers)
    return None if isinstance(command, Fire) else count


def notify(run: TaskRun, known: int, observers: Iterable[Observer]) -> int:
    """Call *observers* with each step after the first *known*; return how many those are.

    An error of an observer is logged.
    """
    steps = steps_after(run, known)
    for step in steps:
        for observer in observers:
            try:
                observer(run, step)
            except Exception:  # an observer must not stop the run
                logger.exception("run %s: an observer of %r failed", run.id, step)
    return len(steps)


def log_callback_error(run: TaskRun, error: CallbackError) -> None:
    """Log an error of a listener that was called after a step was made."""
    logger.error("run %s: %s", run.id, error, exc_info=error)
