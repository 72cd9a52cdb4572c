"""What the other packages of fsm may ask of a run beyond its public methods.

A run keeps its private parts to this package: its lock, its list of steps, its listeners. These
functions read them in constant time, or build a double of a run to try a step out.
"""

from __future__ import annotations

import datetime
from _thread import allocate_lock
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fsm.lifecycle.event import Event
from fsm.lifecycle.step import Step
from fsm.states import moment

from .callbacks import MutedCallbacks
from .lock import whoami

if TYPE_CHECKING:
    import pendulum

    from .machine import CompiledRow
    from .run import Run

__all__ = [
    "advance",
    "double_of",
    "event_name",
    "has_listeners_before",
    "last_step",
    "load_history",
    "mute_listeners_after",
    "now",
    "now_micros",
    "payload_context",
    "rows_from",
    "set_time",
    "step_before",
    "step_count",
    "steps_after",
]

R = TypeVar("R", bound="Run")


def event_name(run: Run, event: str | Event[Any, Any]) -> str:
    """The name of *event* in the run's table.

    Raises:
        UnknownEvent: The table has no such event.
    """
    return run._event_name(event)


def rows_from(run: Run, event: str) -> tuple[CompiledRow, ...]:
    """The rows out of the run's state under *event*, in the order they are tried."""
    return run._leading(event)


def now_micros(run: Run) -> int:
    """The time of the run's clock, in microseconds since 1970 in UTC."""
    return run._micros()


def now(run: Run) -> pendulum.DateTime:
    """The time of the run's clock, in UTC."""
    return moment.from_micros(run._micros())


def payload_context(run: Run) -> Mapping[str, Any]:
    """The ambient context under which tasks and state handlers of the run build payloads."""
    return run._surroundings()


def step_count(run: Run) -> int:
    """How many steps the run has made."""
    return len(run._steps or ())


def last_step(run: Run) -> Step | None:
    """The run's last step; None before the first."""
    return run._steps[-1] if run._steps else None


def steps_after(run: Run, count: int) -> list[Step]:
    """The run's steps after the first *count*."""
    return (run._steps or [])[count:]


def step_before(run: Run, step: Step) -> Step | None:
    """The run's step before *step*; None where *step* is the first."""
    return run._steps[step.seq - 2] if run._steps and step.seq > 1 else None


def has_listeners_before(run: Run) -> bool:
    """Whether a `before` listener or a state handler may stop or change a step of the run."""
    return (run._callbacks or run.callbacks).has_early


def mute_listeners_after(run: Run) -> None:
    """Let only listeners with an outbox hear of the run's steps; the driver process calls the rest.

    Listeners before the step are kept.
    """
    run._callbacks = MutedCallbacks(run.callbacks)


def load_history(run: Run, steps: list[Step]) -> None:
    """Let *steps*, read from a journal, be the run's history; its last payload is the state."""
    run._steps, run._state = steps, steps[-1].dest


def double_of(run: R) -> R:
    """A copy of the run as it stands, without journal and listeners, whose clock stands still.

    Its lock is held by the calling thread: a guard that fires on it gets `StepInProgress`.
    """
    double: Any = object.__new__(type(run))
    # Attributes and slots; a run has slots, so this is always a pair.
    parts = cast("tuple[Mapping[str, Any] | None, ...]", object.__getstate__(run))
    for part in parts:
        for name, value in (part or {}).items():
            object.__setattr__(double, name, value)
    double.journal = double._callbacks = double._extras = None
    double._id, double._state = run.id, run.state
    double._steps = list(run._steps or ())
    set_time(double, now(run))
    double._pending = None
    double._lock, double._owner = allocate_lock(), whoami()
    double._lock.acquire()
    return cast("R", double)


def advance(double: Run, step: Step) -> None:
    """Let *step*, which was tried out, be the last step of *double*, and its time the present."""
    double._state = step.dest
    double._steps = [*(double._steps or ()), step]
    set_time(double, step.at)


def set_time(double: Run, at: datetime.datetime) -> None:
    """Let the clock of *double* stand at *at*, an aware datetime."""
    double._clock = lambda: at
