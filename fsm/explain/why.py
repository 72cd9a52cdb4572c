"""Why: what an event would meet now, and which triggers lead to where it can be fired."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import GuardRejected, LifecycleError, StepInProgress, TransitionError
from fsm.lifecycle.guard import Rejection, called, label
from fsm.lifecycle.step import Step
from fsm.run import firing
from fsm.run.access import double_of, event_name, now_micros
from fsm.run.decision import propose
from fsm.states import StateError
from fsm.text import escape

from .reads import Reading, readings
from .search import Leg, path, said

if TYPE_CHECKING:
    from fsm.lifecycle.event import Event
    from fsm.run.run import Run

__all__ = ["Why", "explain"]


@attrs.frozen(eq=False)
class Why:
    """The answer to why a run can, or cannot, make an event's step now."""

    run: str
    state: str  # where it stands
    event: str
    refused: Exception | None  # what firing would raise
    reads: tuple[Reading, ...]  # of each guard that said no, what it looked at, if that is known
    path: tuple[Leg, ...]  # of triggers from here, the event itself last; empty if none is known

    @property
    def allowed(self) -> bool:
        """Whether firing now would pass."""
        return self.refused is None

    @property
    def certain(self) -> bool:
        """Whether the path was tried out on a double of the run, rather than read off the table."""
        return bool(self.path) and all(leg.doubt is None for leg in self.path)

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The guards that said no, and what they said."""
        return self.refused.rejections if isinstance(self.refused, GuardRejected) else ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The same as sentences, a line each, whatever guards and arguments say."""
        asked = map(_asked, self.rejections, self.reads)
        lines = (self._answer(), *(line for lines in asked for line in lines), *self._way())
        return tuple(map(escape, lines))

    def _answer(self) -> str:
        if self.refused is None:
            return f"can {self.event} from {self.state}: it leads to {self.path[-1].dest}"
        if isinstance(self.refused, LifecycleError | StateError):
            return str(self.refused)
        return f"{self.event} is stopped by {said(self.refused)}"

    def _way(self) -> tuple[str, ...]:
        if self.allowed:
            return ()
        if not self.path and not isinstance(self.refused, TransitionError):
            return ()  # it is only said wrongly, or a guard is broken
        if not self.path:
            return (f"no triggers are known that lead from here to where one can {self.event}",)
        head = "the way there:" if self.certain else "perhaps the way there:"
        return (head, *(f"  {number}. {leg}" for number, leg in enumerate(self.path, 1)))

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "run": self.run,
            "state": self.state,
            "event": self.event,
            "allowed": self.allowed,
            "refused": None if self.refused is None else self._answer(),
            "guards": list(map(_as_data, self.rejections, self.reads)),
            "certain": self.certain,
            "path": [
                {
                    "event": leg.event,
                    "dest": leg.dest,
                    "at": None if leg.at is None else leg.at.isoformat(),
                    "doubt": leg.doubt,
                }
                for leg in self.path
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(run: Run, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> Why:
    """What firing *event* would meet, and the way to where it passes; nothing is moved or told.

    The run's clock is read once, so all that is said is said of one moment.
    """
    name = event_name(run, event)
    double, found = firing.in_turn(run, lambda: _now(run, name, args, kwargs))
    state = type(double.state).__name__
    reads: tuple[Reading, ...] = ()
    if isinstance(found, Step):
        way: tuple[Leg, ...] = (Leg(name, type(found.dest).__name__),)
        return Why(run.id, state, name, None, (), way)
    if isinstance(found, GuardRejected):
        reads = readings(double_of(double), name, args, kwargs, len(found.rejections))
    return Why(run.id, state, name, found, reads, path(double, name, (args, kwargs)))


def _now(
    run: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Run, Step | Exception]:
    """A double of the run as it stands, and the step that firing would make, or what it raises."""
    double = double_of(run)
    try:
        return double, propose(event, run, args, dict(kwargs), now_micros(double))[0]
    except StepInProgress:  # of a guard that fires: no answer to what was asked
        raise
    except Exception as refused:  # a guard's no, a payload that needs more, or anyone's code
        return double, refused


def _asked(rejection: Rejection, read: Reading) -> Iterator[str]:
    """What a guard asks, in the words of its docstring where it has one, and what it saw."""
    asks = _purpose(rejection)
    if asks:
        yield f"[{label(rejection.guard)}] asks: {asks}"
    if read:
        values = ", ".join(f"{name} = {value}" for name, value in read.items())
        yield f"[{label(rejection.guard)}] read {values}"


def _purpose(rejection: Rejection) -> str:
    return (inspect.getdoc(called(rejection.guard)) or "").partition("\n")[0]


def _as_data(rejection: Rejection, read: Reading) -> dict[str, Any]:
    at = rejection.passes_at
    return {
        "guard": label(rejection.guard),
        "wanted": rejection.wanted,
        "reason": rejection.reason,
        "passes_at": None if at is None else at.isoformat(),
        "asks": _purpose(rejection) or None,
        "read": dict(read),
        "where": rejection.where or None,
    }
