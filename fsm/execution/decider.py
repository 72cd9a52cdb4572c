"""Drive: from where a run stands to its end, as wishes for whoever can wait and execute. No IO.

`decide` is all of it and makes no step itself: it wishes for those too. `drive` makes them where
they are wished for, and hands on what takes time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import GuardRejected, InvalidArgument, StaleRun
from fsm.lifecycle.payload import given_by
from fsm.run.access import last_step, payload_context
from fsm.states import Cached, Looped, Mapped, Paused, Running, State, TriggerFailed, ambient
from fsm.tasks.quorum import Quorum
from fsm.tasks.timers import due_at

from .apply import Course, fulfilled
from .commands import (
    Answer,
    CatchUp,
    Children,
    Execute,
    Expired,
    Fire,
    Raised,
    Returned,
    Wait,
    Wish,
)
from .results import Steps, can, enter, leads, lose, now_of, settle, try_again

if TYPE_CHECKING:
    from fsm.tasks.task_run import TaskRun

__all__ = [
    "Answer",
    "Execute",
    "Expired",
    "Gate",
    "Lookup",
    "MapPlan",
    "Raised",
    "Returned",
    "Wait",
    "Wish",
    "decide",
    "drive",
]

Lookup = Callable[["TaskRun"], "Cached | None"]
Gate = Callable[["TaskRun"], "State | None"]


@attrs.frozen
class MapPlan:
    """What a run is mapped over: how many children it has, and how many have to succeed."""

    count: Callable[[], int]  # asked when it is mapped: only then a run above has its result
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
            yield from lose(run)
        elif isinstance(state, Looped) and can(run, "iterate"):
            yield Fire("iterate", {})
        elif isinstance(state, Cached) and _expired(run) and can(run, "expire"):
            yield Fire("expire", {})
        elif isinstance(state, Mapped) and self.mapping is not None and not self._mapped:
            yield from self._children(self.mapping)
        elif can(run, "retry") and not _turned_away(run):
            yield from try_again(run)
            self._mapped = False
        elif _stays(run):
            return True
        elif not can(run, "start"):
            return (yield from _wait(run))
        elif (instead := self._gate()) is not None:
            yield from enter(run, instead)
        elif (entry := self._entry()) is not None:
            yield Fire("cache", entry)
            return True
        elif self.mapping is not None:
            yield from self._map(self.mapping)
        else:
            return (yield from self._execute())
        return False

    def _execute(self) -> Generator[Wish, Answer, bool]:
        """Start it and execute the task; whether nothing will ever start it."""
        run = self.run
        try:
            yield Fire("start", self.starts)
        except GuardRejected:
            return (yield from _wait(run))
        deadline = run.deadline
        if deadline is not None and deadline <= now_of(run):  # the time for all attempts is up
            yield from settle(run, Expired(stopped=True))
        else:
            yield from settle(run, (yield Execute(deadline)))
        return False

    def _map(self, mapping: MapPlan) -> Steps:
        try:
            count = mapping.count()
        except Exception as error:  # what the run above resulted in is anyone's
            yield Fire("fail", {"result": error})
        else:
            yield Fire("map", {"map_states": [None] * count})

    def _gate(self) -> State | None:
        if self.gate is None:
            return None
        with ambient.using(**payload_context(self.run)):
            return self.gate(self.run)

    def _entry(self) -> dict[str, Any] | None:
        """What the lookup has found and has not expired, as the arguments of `cache`."""
        found = None if self.lookup is None else self.lookup(self.run)
        if found is None:
            return None
        if not isinstance(found, Cached):
            raise InvalidArgument(f"a lookup answers with a Cached or None, not {found!r}")
        entry = given_by(found)
        return entry if can(self.run, "cache", **entry) else None

    def _children(self, mapping: MapPlan) -> Steps:
        """See to the children, and to what they make of their parent."""
        run, self._mapped = self.run, True
        answer = yield Children(mapping.again or run.attempts > 0)
        if not isinstance(answer, Returned) or not isinstance(run.state, Mapped):
            return
        ends = answer.value
        if list(run.state.map_states) != ends:
            yield Fire("map", {"map_states": ends})
        said = mapping.quorum.shortfall(ends) if mapping.quorum is not None else None
        if said is not None:
            yield Fire("fail_map", {"message": said})


def _wait(run: TaskRun) -> Generator[Wish, Answer, bool]:
    """Wait for the time at which it may start; whether there is none."""
    waits = due_at(run)
    if waits is None:
        return True
    yield Wait(waits.at)
    return False


def _turned_away(run: TaskRun) -> bool:
    """Whether its trigger failed before it could run: tried again it would fail again."""
    last = last_step(run)
    return isinstance(run.state, TriggerFailed) and not (last and last.source.is_running())


def _stays(run: TaskRun) -> bool:
    """Whether neither time nor we can start it: it is finished, or paused until somebody comes."""
    paused = isinstance(run.state, Paused) and not can(run, "start")
    return paused or not leads(run, "start")


def _expired(run: TaskRun) -> bool:
    waits = due_at(run)
    return waits is not None and waits.at <= now_of(run)
