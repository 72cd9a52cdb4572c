"""Making: the steps that a course wishes for are made, and whoever observes is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING

from fsm.errors import CallbackError
from fsm.run.access import step_count, steps_after
from fsm.states import State

from .commands import Answer, CatchUp, Fire, Wish

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step
    from fsm.tasks.task_run import TaskRun

__all__ = ["Course", "Observer", "fulfilled", "made", "observed"]

logger = logging.getLogger(__name__)

Observer = Callable[["TaskRun", "Step"], object]
Course = Generator[Wish, Answer, State]  # from where a run stands to its end


def fulfilled(
    run: TaskRun,
    way: Generator[Wish, Answer, object],
    wish: Wish,
    observers: Iterable[Observer] = (),
) -> Wish:
    """Make the steps that *way* wishes for, until it wishes for something that takes time.

    Raises:
        StopIteration: It came to its end.
    """
    while isinstance(wish, Fire | CatchUp):
        try:
            answer = made(run, wish, observers)
        except Exception as error:  # whether it can be answered is for `decide` to say
            wish = way.throw(error)
        else:
            wish = way.send(answer)
    return wish


def made(run: TaskRun, wish: Fire | CatchUp, observers: Iterable[Observer] = ()) -> int | None:
    """Make one step, or learn of those that others made.

    Where a listener fails afterwards, that is logged: the step stands and the run goes on.
    """
    known = step_count(run)
    try:
        if isinstance(wish, Fire):
            run.trigger(wish.event, **wish.payload)
        else:
            run.catch_up()
    except CallbackError as error:
        logger.error("run %s: %s", run.id, error, exc_info=error)
    count = observed(run, known, observers)
    return None if isinstance(wish, Fire) else count


def observed(run: TaskRun, known: int, observers: Iterable[Observer]) -> int:
    """Tell *observers* of the steps after the first *known*; how many those are."""
    steps = steps_after(run, known)
    for step in steps:
        for observer in observers:
            try:
                observer(run, step)
            except Exception:  # whoever only looks on stops nobody
                logger.exception("run %s: an observer of %r failed", run.id, step)
    return len(steps)
