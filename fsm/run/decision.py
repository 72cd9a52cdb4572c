"""Decision: the step that a run would make, its payload built and its guards evaluated.

Nothing has happened yet: `decide` takes the run as it is and returns a step.
fsm/lifecycle/payload.py says what a payload is; `decide` builds the plain ones in line, which saves
a twentieth of a step. tests/fsm/run/test_decision.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from fsm.states.fast_new import Unfrozen, new_unfrozen
from fsm.states.result import as_result

if TYPE_CHECKING:
    from .machine import CompiledRow
    from .run import Run

__all__ = ["ABSENT", "decide", "replacement"]

ABSENT: Any = object()  # stands for an argument that is left out

_new_step = tuple.__new__  # what `Step(...)` comes down to, without the call
_nanos, _surroundings, _NONE = ambient.nanos, ambient.current, ambient.NONE
_NO_ROWS: Mapping[str, tuple[CompiledRow, ...]] = {}


def decide(
    run: Run,
    event: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    message: Any = ABSENT,
    result: Any = ABSENT,
    key: str | None = None,
    micros: int | None = None,
) -> tuple[Step, CompiledRow]:
    """Build the payload of the step and evaluate the guards, row by row until one passes.

    Args:
        key: The idempotency key of the step.
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
    plain = not (args or kwargs) and _surroundings() is _NONE
    if micros is None:
        micros = _nanos() // 1000 if plain and run._clock is None else run._micros()
    steps = run._steps
    if steps:
        id, seq, settings = run._id, len(steps) + 1, None
    else:
        id, seq, settings = run.id, 1, run.settings()
    rejections = None
    for row in rows:
        if plain and row.plain:
            dest: Any = new_unfrozen(Unfrozen)
            dest.message = row.row.message if message is ABSENT or message is None else message
            dest._result = NoResult if result is ABSENT else as_result(result)
            names = source._context
            dest._context = dict(names) if names else None
            names = source._cached_inputs
            dest._cached_inputs = dict(names) if names else None
            dest.__class__ = row.dest
        else:
            kwargs = _with_named(kwargs, message, result)
            dest = row.draft(run, source, args, kwargs, micros)
        step = _new_step(Step, (id, seq, event, source, dest, micros, settings, key))
        for guard, wanted in row.guards:
            answer = guard(run, step)
            if answer is not wanted and (no := weigh(guard, wanted, answer)):
                rejections = [no] if rejections is None else [*rejections, no]
                break
        else:
            return step, row
    raise _rejection_error(event, source, rejections or [])


def _with_named(kwargs: dict[str, Any], message: Any, result: Any) -> dict[str, Any]:
    """*kwargs* with the two arguments that firing takes as parameters of their own."""
    if message is not ABSENT:
        kwargs["message"] = message
    if result is not ABSENT:
        kwargs["result"] = result
    return kwargs


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
