"""Why a run can, or cannot, make an event's step now, and the path to where it can."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fsm.errors import GuardRejected, LifecycleError, RejectionLike, StepInProgress, TransitionError
from fsm.lifecycle.event import Event
from fsm.lifecycle.guard import label, unwrap
from fsm.lifecycle.step import Step
from fsm.run import firing
from fsm.run.access import double_of, event_name, now_micros
from fsm.run.decision import decide
from fsm.run.run import Run
from fsm.states import StateError
from fsm.text import escape

from .reads import Reads, trace_reads
from .search import PathStep, describe_error, find_path

__all__ = ["Why", "explain"]


@attrs.frozen(eq=False)
class Why:
    """Why a run can, or cannot, make the step of an event now.

    `str(why)` is the answer in sentences.
    """

    __module__ = "fsm.explain"

    run: str  # its id
    state: str  # the run's state, by name
    event: str
    refused: Exception | None  # what firing would raise; None where it would pass
    reads: tuple[Reads, ...]  # for each rejection: the values its guard read, where that is known
    path: tuple[PathStep, ...]  # events to fire, `event` itself last; empty where none is known

    @property
    def allowed(self) -> bool:
        """Whether firing now would pass."""
        return self.refused is None

    @property
    def certain(self) -> bool:
        """Whether the whole path was tried out, on doubles of the run."""
        return bool(self.path) and all(step.doubt is None for step in self.path)

    @property
    def rejections(self) -> tuple[RejectionLike, ...]:
        """The guards that refuse, and their answers."""
        return self.refused.rejections if isinstance(self.refused, GuardRejected) else ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The answer as sentences, one line each; control characters are escaped."""
        guards = map(_describe_guard, self.rejections, self.reads)
        lines = (self._answer(), *(line for each in guards for line in each), *self._path_lines())
        return tuple(map(escape, lines))

    def _answer(self) -> str:
        if self.refused is None:
            return f"can {self.event} from {self.state}: it leads to {self.path[-1].dest}"
        if isinstance(self.refused, LifecycleError | StateError):
            return str(self.refused)
        return f"{self.event} is stopped by {describe_error(self.refused)}"

    def _path_lines(self) -> tuple[str, ...]:
        if self.allowed:
            return ()
        if not self.path and not isinstance(self.refused, TransitionError):
            return ()  # wrong arguments or a broken guard: no other event mends that
        if not self.path:
            return (f"no sequence of events is known after which one can {self.event}",)
        head = "events that lead there:" if self.certain else "events that may lead there:"
        return (head, *(f"  {number}. {step}" for number, step in enumerate(self.path, 1)))

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "run": self.run,
            "state": self.state,
            "event": self.event,
            "allowed": self.allowed,
            "refused": None if self.refused is None else self._answer(),
            "guards": list(map(_guard_as_data, self.rejections, self.reads)),
            "certain": self.certain,
            "path": [
                {
                    "event": step.event,
                    "dest": step.dest,
                    "at": None if step.at is None else step.at.isoformat(),
                    "doubt": step.doubt,
                }
                for step in self.path
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(run: Run, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> Why:
    """Explain whether *run* can make the step of *event* now, and how to get to where it can.

    The run is not moved and no listener is called: events are tried out on doubles of the run. What
    a `before` listener would veto, or a state handler change, is not foreseen. The run's clock is
    read once, so the whole answer is about one point in time.

    Args:
        args: Arguments that the event would be fired with; so *kwargs*.

    Raises:
        UnknownEvent: The table has no such event.
        StepInProgress: A guard fired an event.
    """
    name = event_name(run, event)
    double, found = firing.look(run, lambda: _try_now(run, name, args, kwargs))
    state = type(double.state).__name__
    reads: tuple[Reads, ...] = ()
    if isinstance(found, Step):
        path: tuple[PathStep, ...] = (PathStep(name, type(found.dest).__name__),)
        return Why(run.id, state, name, None, (), path)
    if isinstance(found, GuardRejected):
        reads = trace_reads(double_of(double), name, args, kwargs, len(found.rejections))
    return Why(run.id, state, name, found, reads, find_path(double, name, (args, kwargs)))


def _try_now(
    run: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Run, Step | Exception]:
    """A double of the run, and the step that firing would make, or what it would raise."""
    double = double_of(run)
    try:
        return double, decide(run, event, args, dict(kwargs), micros=now_micros(double))[0]
    except StepInProgress:  # a guard fired: that says nothing about this event
        raise
    except Exception as refused:  # refused, arguments missing, or a user's code failed
        return double, refused


def _describe_guard(rejection: RejectionLike, reads: Reads) -> Iterator[str]:
    """What a guard checks, by the first line of its docstring, and the values it read."""
    checks = _purpose(rejection)
    if checks:
        yield f"[{label(rejection.guard)}] checks: {checks}"
    if reads:
        values = ", ".join(f"{name} = {value}" for name, value in reads.items())
        yield f"[{label(rejection.guard)}] read {values}"


def _purpose(rejection: RejectionLike) -> str:
    return (inspect.getdoc(unwrap(rejection.guard)) or "").partition("\n")[0]


def _guard_as_data(rejection: RejectionLike, reads: Reads) -> dict[str, Any]:
    at = rejection.passes_at
    return {
        "guard": label(rejection.guard),
        "wanted": rejection.wanted,
        "reason": rejection.reason,
        "passes_at": None if at is None else at.isoformat(),
        "checks": _purpose(rejection) or None,
        "read": dict(reads),
        "where": rejection.where or None,
    }


explain.__module__ = "fsm.explain"
