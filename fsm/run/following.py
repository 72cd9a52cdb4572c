"""Following: a run learns what others have made of it, by its journal."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING

from fsm.errors import CallbackError, UnknownRun
from fsm.lifecycle.history import check_history

from .firing import conclude, end_turn, tell
from .lock import wait_for_turn

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step

    from .machine import CompiledRow
    from .run import Run

__all__ = ["catch_up"]


def catch_up(run: Run) -> tuple[Step, ...]:
    """Take over the steps that others have made of *run*; see `Run.catch_up`."""
    if run.journal is None:
        return ()
    if not run._lock.acquire(False):
        wait_for_turn(run)
    errors: list[Exception] = []
    made: list[Step] = []
    try:
        run._owner = get_ident()
        made = _unknown(run)
        for step in made:
            _follow(run, step, errors)
    except BaseException as refused:
        end_turn(run, refused)
        raise
    end_turn(run, None)
    if errors:
        raise CallbackError.of(made[-1], errors)
    return tuple(made)


def _unknown(run: Run) -> list[Step]:
    """The steps that the journal has and the run has not."""
    assert run.journal is not None
    known = list(run._steps or ())
    try:
        kept = list(run.journal.steps(run.id))
    except UnknownRun:
        return []
    fresh = kept[len(known) :]
    if fresh:
        check_history(run.lifecycle, run.id, known + fresh)
    return fresh


def _follow(run: Run, step: Step, errors: list[Exception]) -> None:
    """Make a step of others our own: whoever listens here is told of it."""
    plan = (run._callbacks or run.callbacks).plan(_row(run, step))
    try:
        tell(plan.on_exit, run, step, errors)
    finally:
        conclude(run, step)
    tell(plan.arrived, run, step, errors)


def _row(run: Run, step: Step) -> CompiledRow:
    """The row it was made by; of several that lead there, any: listeners know them by their way."""
    return next(
        row
        for row in run.machine.rows[type(step.source)][step.event]
        if row.dest is type(step.dest)
    )
