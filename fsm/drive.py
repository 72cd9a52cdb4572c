"""Drive: from where a run stands to its end, as wishes for whoever can wait and execute. No IO.

`decide` is all of it and makes no step itself: it wishes for those too. `drive` makes them where
they are wished for, and hands on what takes time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from states import (
    Cached,
    Looped,
    Mapped,
    Paused,
    Running,
    State,
    StateError,
    TriggerFailed,
    ambient,
    moment,
)

from .draft import given_by
from .errors import (
    CallbackError,
    GuardRejected,
    InvalidArgument,
    StaleRun,
    TransitionError,
    TransitionNotAllowed,
)
from .guards import start_of
from .outcome import Outcome
from .quorum import Quorum
from .timers import due_at
from .wish import (
    Answer,
    CatchUp,
    Children,
    Displaced,
    Execute,
    Expired,
    Fire,
    Interrupted,
    Raised,
    Returned,
    Settled,
    Wait,
    Wish,
)

if TYPE_CHECKING:
    import pendulum

    from .step import Step
    from .task import TaskRun

__all__ = [
    "INTERRUPTED",
    "Answer",
    "Course",
    "Execute",
    "Expired",
    "Gate",
    "Lookup",
    "MapPlan",
    "Observer",
    "Raised",
    "Returned",
    "Wait",
    "Wish",
    "decide",
    "drive",
    "fulfilled",
    "made",
    "observed",
    "settle",
]

logger = logging.getLogger(__name__)

Lookup = Callable[["TaskRun"], "Cached | None"]
Gate = Callable[["TaskRun"], "State | None"]
Observer = Callable[["TaskRun", "Step"], object]
Course = Generator[Wish, Answer, State]
_Steps = Generator[Wish, Answer, Any]

INTERRUPTED = "Interrupt signal raised, cancelling task run."


@attrs.frozen
class MapPlan:
    """What a run is mapped over: how many children it has, and how many have to succeed."""

    count: int
    quorum: Quorum | None = None
    again: bool = False  # whether children that have failed are run once more


def drive(run: TaskRun, lookup: Lookup | None = None, **asked: Any) -> Course:
    """Take *run* from where it stands to its end, and return the state it ends in.

    Yields `Wait`, `Execute` and `Children`, and makes the steps in between itself. Takes what
    `decide` takes.
    """
    way = decide(run, lookup, **asked)
    answer: Answer = None
    try:
        while True:
            wish = way.send(answer)
            if isinstance(wish, Fire | CatchUp):
                wish = fulfilled(run, way, wish)
            answer = yield wish
    except StopIteration as stop:
        end: State = stop.value
        return end


def fulfilled(run: TaskRun, way: Course, wish: Wish, observers: Iterable[Observer] = ()) -> Wish:
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
    known = len(run._steps or ())
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
    steps = (run._steps or [])[known:]
    for step in steps:
        for observer in observers:
            try:
                observer(run, step)
            except Exception:  # whoever only looks on stops nobody
                logger.exception("run %s: an observer of %r failed", run.id, step)
    return len(steps)


def decide(
    run: TaskRun,
    lookup: Lookup | None = None,
    *,
    gate: Gate | None = None,
    mapping: MapPlan | None = None,
    starts: Mapping[str, Any] = MappingProxyType({}),
) -> Course:
    """Take *run* from where it stands to its end, and return the state it ends in.

    A paused run is left paused until its time has come. A run found `Running` has lost its
    worker: it is rescued, and starts the same attempt again, while its policy allows that. What
    others have made of the run meanwhile stands: it goes on from there.

    Args:
        lookup: Asked before a start for an earlier result, as a `Cached` that has not expired.
        gate: Asked before a start for a state to enter instead, such as `TriggerFailed`.
        mapping: The run is mapped: children do the work.
        starts: What its start is given, such as `cached_inputs`.

    Raises:
        StaleRun: Somebody else runs it now.
    """
    round_ = _Round(run, lookup, gate, mapping, starts)
    while True:
        try:
            if (yield from round_.go()):
                return run.state
        except StaleRun:
            if not (yield CatchUp()) or isinstance(run.state, Running):
                raise


@attrs.define(eq=False)
class _Round:
    """One look at where the run stands, and what is to be done from there."""

    run: TaskRun
    lookup: Lookup | None
    gate: Gate | None
    mapping: MapPlan | None
    starts: Mapping[str, Any]  # what its start is given
    _mapped: bool = False  # whether its children have been seen to

    def go(self) -> Generator[Wish, Answer, bool]:
        """Make the next steps; whether there are no more."""
        run, state = self.run, self.run.state
        if isinstance(state, Running):
            yield from _lost(run)
        elif isinstance(state, Looped) and _can(run, "iterate"):
            yield Fire("iterate", {})
        elif isinstance(state, Cached) and _expired(run) and _can(run, "expire"):
            yield Fire("expire", {})
        elif isinstance(state, Mapped) and self.mapping is not None and not self._mapped:
            yield from self._children(self.mapping)
        elif _can(run, "retry") and not _turned_away(run):
            yield from _retry(run)
            self._mapped = False
        elif _stays(run):
            return True
        elif self.asks and not _can(run, "start"):
            return (yield from _wait(run))
        elif (instead := self._gate()) is not None:
            yield from _enter(run, instead)
        elif (entry := self._entry()) is not None:
            yield Fire("cache", entry)
            return True
        elif self.mapping is not None:
            yield Fire("map", {"map_states": [None] * self.mapping.count})
        else:
            return (yield from self._execute())
        return False

    @property
    def asks(self) -> bool:
        """Whether something is to be asked or made in the place of a start, once it may be."""
        return not (self.gate is self.lookup is self.mapping is None)

    def _execute(self) -> Generator[Wish, Answer, bool]:
        """Start it and execute the task; whether nothing will ever start it."""
        run = self.run
        try:
            yield Fire("start", self.starts)
        except GuardRejected:
            return (yield from _wait(run))
        deadline = run.deadline
        if deadline is not None and deadline <= _now(run):  # the time for all attempts is up
            yield from settle(run, Expired(stopped=True))
        else:
            yield from settle(run, (yield Execute(deadline)))
        return False

    def _gate(self) -> State | None:
        if self.gate is None:
            return None
        with ambient.using(**self.run._surroundings()):
            return self.gate(self.run)

    def _entry(self) -> dict[str, Any] | None:
        """What the lookup has found and has not expired, as the arguments of `cache`."""
        found = None if self.lookup is None else self.lookup(self.run)
        if found is None:
            return None
        if not isinstance(found, Cached):
            raise InvalidArgument(f"a lookup answers with a Cached or None, not {found!r}")
        entry = given_by(found)
        return entry if _can(self.run, "cache", **entry) else None

    def _children(self, mapping: MapPlan) -> _Steps:
        """See to the children, and to what they make of their parent."""
        run, self._mapped = self.run, True
        answer = yield Children(mapping.again or run.attempts > 0)
        if not isinstance(answer, Returned) or not isinstance(run.state, Mapped):
            return
        ends = answer.value
        if list(run.state.map_states) != ends:
            yield Fire("map", {"map_states": ends})
        said = mapping.quorum.missed(ends) if mapping.quorum is not None else None
        if said is not None:
            yield Fire("fail_map", {"message": said})


def settle(run: TaskRun, answer: Answer) -> _Steps:
    """Wish for the steps that follow from what came of the task."""
    match answer:
        case Returned(value):
            yield from _returned(run, value)
        case Raised(Outcome() as outcome):
            yield from _returned(run, outcome.state)
        case Raised(KeyboardInterrupt()) | Interrupted():
            yield Fire("cancel", {"message": INTERRUPTED})
        case Raised(error):
            yield Fire("fail", {"result": error})
        case Expired(stopped):
            yield from _expire(run, stopped=stopped)
        case Displaced() if _can(run, "pause"):
            yield Fire("pause", {"message": _DISPLACED, "start_time": _now(run)})
        case Settled() if not isinstance(run.state, Running):
            yield from _delay(run)
        case _ if run.deadline is not None and _can(run, "time_out"):
            yield from _expire(run, stopped=True)
        case _:
            yield from _lost(run)
    if run.state.is_failed() and _can(run, "retry"):
        yield from _retry(run)


_DISPLACED = "The pool it ran in broke under another run; it starts again."


def _returned(run: TaskRun, value: Any) -> _Steps:
    if run.deadline is not None and _can(run, "time_out"):
        yield from _expire(run, stopped=True)
        return
    try:
        if isinstance(value, State):
            yield from _enter(run, value)
        else:
            yield Fire("succeed", {"result": value})
    except StaleRun:
        raise
    except (StateError, TransitionError) as error:  # cannot be kept, or is not legal
        yield Fire("fail", {"message": str(error), "result": error})
        return
    if run.policy.cache_for is not None and run.state.is_successful() and _can(run, "cache"):
        parameters = ambient.context().get("parameters")
        yield Fire("cache", {} if parameters is None else {"cached_parameters": parameters})


def _expire(run: TaskRun, *, stopped: bool) -> _Steps:
    seconds = run.policy.timeout.attempt
    limit = "its time is up" if seconds is None else f"no end after {seconds:g} s"
    error = TimeoutError(limit if stopped else f"{limit}; its thread cannot be stopped and goes on")
    if _can(run, "time_out"):
        yield Fire("time_out", {"result": error})
    else:
        yield Fire("fail", {"message": "Task timed out during execution.", "result": error})


def _lost(run: TaskRun) -> _Steps:
    """Whoever ran it is gone: back to where the same attempt can start, or failed."""
    if _can(run, "rescue"):
        yield Fire("rescue", {})
    else:
        yield Fire("fail", {"message": "Its worker was lost."})


def _retry(run: TaskRun) -> _Steps:
    """Try again; a delay is waited for from its step on, by whatever clock."""
    yield Fire("retry", {})
    yield from _delay(run)


def _wait(run: TaskRun) -> Generator[Wish, Answer, bool]:
    """Wait for the time at which it may start; whether there is none."""
    waits = due_at(run)
    if waits is None:
        return True
    yield Wait(waits.at)
    return False


def _delay(run: TaskRun) -> _Steps:
    """Wait as long as lies between the step of a retry and its start."""
    start = start_of(run.state)
    if start is not None and run.history[-1].event == "retry" and start > run.history[-1].at:
        yield Wait(start, (start - run.history[-1].at).total_seconds())


def _enter(run: TaskRun, state: State) -> _Steps:
    """As `Run.enter`: by whichever event leads there."""
    refused: GuardRejected | None = None
    for event in run.lifecycle.leading(type(run.state), type(state)):
        try:
            yield Fire(event, given_by(state))
            return
        except GuardRejected as error:
            refused = error
    if refused is not None:
        raise refused
    raise TransitionNotAllowed(f"enter {type(state).__name__}", run.state, run.allowed)


def _turned_away(run: TaskRun) -> bool:
    """Whether its trigger failed before it could run: tried again it would fail again."""
    last = run._steps[-1] if run._steps else None
    return isinstance(run.state, TriggerFailed) and not (last and last.source.is_running())


def _stays(run: TaskRun) -> bool:
    """Whether neither time nor we can start it: it is finished, or paused until somebody comes."""
    paused = isinstance(run.state, Paused) and not _can(run, "start")
    return paused or "start" not in run.allowed


def _expired(run: TaskRun) -> bool:
    waits = due_at(run)
    return waits is not None and waits.at <= _now(run)


def _can(run: TaskRun, event: str, **payload: Any) -> bool:
    """Whether *event* is in the table of this class at all, and would pass now."""
    return event in run.allowed and run.why_not(event, **payload) is None


def _now(run: TaskRun) -> pendulum.DateTime:
    return moment.from_micros(run._micros())
