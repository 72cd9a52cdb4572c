"""Decision: the step that a run would make, its payload built and its guards evaluated.

Nothing has happened yet. `propose` describes it; `short_cut` repeats it for the common row in one
function without a loop, which halves the time of a step (`benchmarks trigger`). A differential
test holds the two together (tests/fsm/run/test_decision.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fsm.errors import (
    GuardRejected,
    InvalidArgument,
    TransitionError,
    TransitionNotAllowed,
    UnknownEvent,
)
from fsm.lifecycle.guard import Rejection, weigh
from fsm.lifecycle.payload import arguments_of
from fsm.lifecycle.step import Step
from fsm.states import NoResult, State, ambient
from fsm.states.fast_new import Unfrozen, allows_fast_new, new_unfrozen
from fsm.states.meta import _MetaState as MetaState
from fsm.states.result import as_result

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = ["ABSENT", "ShortCut", "propose", "replacement", "short_cut", "with_named"]

ABSENT: Any = object()  # stands for an argument that is left out

# (run, source, message, result): the step, or None where only `propose` can say
ShortCut = Callable[["Run", State, Any, Any], Step | None]

_new_step = tuple.__new__  # what `Step(...)` comes down to, without the call
_micros, _nanos = ambient.micros, ambient.nanos
_surroundings, _NONE = ambient.current, ambient.NONE
_NO_ROWS: Mapping[str, tuple[CompiledRow, ...]] = {}


def with_named(kwargs: dict[str, Any], message: Any, result: Any) -> dict[str, Any]:
    """*kwargs* with the two arguments that firing takes as parameters of their own."""
    if message is not ABSENT:
        kwargs["message"] = message
    if result is not ABSENT:
        kwargs["result"] = result
    return kwargs


def propose(
    event: str,
    run: Run,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    micros: int | None = None,
) -> tuple[Step, CompiledRow]:
    """Build the payload of the step and evaluate the guards.

    Args:
        micros: The time of the step; the run's clock is read if left out.

    Returns:
        The step and its row.

    Raises:
        TransitionNotAllowed: No row leads from here under *event*.
        GuardRejected: Rows do, but a guard of each rejected the step.
    """
    source = run._state
    if source is None:
        source = run.state
    rows = run._rows.get(type(source), _NO_ROWS).get(event) or run._leading(event)
    if not rows:
        raise _refusal_error(event, run, source)
    if micros is None:
        micros = _micros() if run._clock is None else run._micros()
    steps = run._steps
    rejections: list[Rejection] = []
    for row in rows:
        dest = row.draft(run, source, args, kwargs, micros)
        if steps:
            step = Step(run.id, len(steps) + 1, event, source, dest, micros)
        else:
            step = Step(run.id, 1, event, source, dest, micros, run.settings())
        no = _first_rejection(row, run, step)
        if no is None:
            return step, row
        rejections.append(no)
    raise _rejection_error(event, source, rejections)


def short_cut(row: CompiledRow) -> ShortCut:
    """`propose` for a *row* without alternatives and with a plain payload.

    It takes a message, a result, both or neither; other arguments go to `propose`.
    """
    wraps = issubclass(row.source, MetaState)  # context flows from the state it stands for
    if wraps or row.stays or row.row.prepare is not None or not allows_fast_new(row.dest):
        return _none
    event, cls, message, guards = row.event, row.dest, row.row.message, row.guards

    def propose(run: Run, source: State, said: Any, result: Any) -> Step | None:
        if _surroundings() is not _NONE:
            return None
        micros = _nanos() // 1000 if run._clock is None else run._micros()
        dest: Any = new_unfrozen(Unfrozen)
        dest.message = message if said is ABSENT or said is None else said
        dest._result = NoResult if result is ABSENT else as_result(result)
        names = source._context
        dest._context = dict(names) if names else None
        names = source._cached_inputs
        dest._cached_inputs = dict(names) if names else None
        dest.__class__ = cls
        steps = run._steps
        if steps:
            fields: Any = (run._id, len(steps) + 1, event, source, dest, micros, None, None)
        else:
            fields = (run.id, 1, event, source, dest, micros, run.settings(), None)
        step = _new_step(Step, fields)
        for guard, wanted in guards:
            answer = guard(run, step)
            if answer is not wanted and (no := weigh(guard, wanted, answer)):
                raise _rejection_error(event, source, [no])
        return step

    return propose


def _none(_run: Run, _source: State, _message: Any, _result: Any) -> None:
    """The short cut of a row for which only `propose` will do."""


def replacement(run: Run, step: Step, wanted: object) -> tuple[Step, CompiledRow]:
    """The step to the state that a state handler returns, if a row leads there.

    Raises:
        InvalidArgument: What the handler returned is not a state.
        TransitionNotAllowed: No row leads from here to such a state.
        GuardRejected: Rows do, but their guards rejected the step.
    """
    if not isinstance(wanted, State):
        raise InvalidArgument(f"a state handler returns a state or None, not {wanted!r}")
    rejections: list[Rejection] = []
    lifecycle, source = type(run).lifecycle, type(step.source)
    events = lifecycle.leading(source, type(wanted))
    for event in dict.fromkeys((step.event, *events)):  # its own event, if it can
        for row in run._leading(event):
            if row.dest is type(wanted):
                dest = row.draft(run, step.source, (), arguments_of(wanted), step.micros)
                other = step._replace(event=event, dest=dest)
                no = _first_rejection(row, run, other)
                if no is None:
                    return other, row
                rejections.append(no)
    if rejections:
        raise _rejection_error(f"enter {type(wanted).__name__}", step.source, rejections)
    raise TransitionNotAllowed(
        f"enter {type(wanted).__name__}", step.source, lifecycle.allowed(source)
    )


def _first_rejection(row: CompiledRow, run: Run, step: Step) -> Rejection | None:
    """The first rejection of the row's guards; those after it are not evaluated."""
    answers = (weigh(guard, wanted, guard(run, step)) for guard, wanted in row.guards)
    return next(filter(None, answers), None)


def _rejection_error(event: str, source: State, rejections: list[Rejection]) -> GuardRejected:
    error = GuardRejected(event, source, rejections)
    for rejection in rejections:
        error.add_note(f"guard: {rejection.where}")
    return error


def _refusal_error(event: str, run: Run, source: State) -> TransitionError:
    lifecycle = type(run).lifecycle
    if event not in lifecycle.events:
        return UnknownEvent(event, tuple(lifecycle.events))
    return TransitionNotAllowed(event, source, lifecycle.allowed(type(source)))
