"""Decides what a run needs next, as commands. No IO.

`decide` gives a command for each step, too, and makes none itself. `drive` applies those and
yields only the commands that take time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from fsm.errors import GuardRejected, InvalidArgument, StaleRun
from fsm.lifecycle.payload import arguments_of
from fsm.run.access import last_step, now, payload_context
from fsm.states import Cached, Looped, Mapped, Paused, Running, State, TriggerFailed, ambient
from fsm.tasks.quorum import Quorum
from fsm.tasks.task_run import TaskRun
from fsm.tasks.timers import due_at

from .apply import Decisions, Done, run_commands
from .commands import (
    CatchUp,
    Command,
    Execute,
    Expired,
    Fire,
    PerformChildren,
    Reply,
    Returned,
    Wait,
)
from .results import Commands, can, enter_state, leads, recover, retry, settle

__all__ = ["Gate", "Lookup", "MapPlan", "decide", "drive"]

Lookup = Callable[[TaskRun], Cached | None]
Gate = Callable[[TaskRun], State | None]


@attrs.frozen
class MapPlan:
    """How a run is mapped: over how many children, and how many of them have to succeed."""

    count: Callable[[], int]  # called when the run is mapped: results above are known then
    quorum: Quorum | None = None
    again: bool = False  # whether children that have failed are run once more


def drive(run: TaskRun, lookup: Lookup | None = None, **options: Any) -> Decisions:
    """Take *run* from its present state to its last, and return that.

    Takes the arguments of `decide`, makes the steps, and yields the other commands.
    """
    decider, reply = decide(run, lookup, **options), None
    while not isinstance(command := run_commands(run, decider, reply), Done):
        reply = yield command
    end: State = command.value
    return end


def decide(
    run: TaskRun,
    lookup: Lookup | None = None,
    *,
    gate: Gate | None = None,
    mapping: MapPlan | None = None,
    starts: Mapping[str, Any] = MappingProxyType({}),
) -> Decisions:
    """Yield the commands that take *run* from its present state to its last; return that.

    A paused run is left paused until its start time. A run found `Running` has lost its worker:
    it is rescued and starts the same attempt again, while its policy allows that. Steps that
    others make meanwhile stand: the run goes on from there.

    Args:
        lookup: Called before a start for an earlier result, as a `Cached` that has not expired.
        gate: Called before a start for a state to enter instead, such as `TriggerFailed`.
        mapping: Set for a mapped run, whose children do the work.
        starts: The arguments of its event `start`, such as `cached_inputs`.

    Raises:
        StaleRun: Another process runs it now.
    """
    decider = _Decider(run, lookup, gate, mapping, starts)
    while True:
        try:
            if (yield from decider.decide_next()):
                return run.state
        except StaleRun:
            if not (yield CatchUp()) or isinstance(run.state, Running):
                raise


@attrs.define(eq=False)
class _Decider:
    """Looks at the state of a run, and decides what follows from it."""

    run: TaskRun
    lookup: Lookup | None
    gate: Gate | None
    mapping: MapPlan | None
    starts: Mapping[str, Any]
    _children_done: bool = False  # whether its children have been performed

    def decide_next(self) -> Generator[Command, Reply, bool]:
        """Yield the next commands; return whether the run has reached its last state."""
        run, state = self.run, self.run.state
        if isinstance(state, Running):
            yield from recover(run)
        elif isinstance(state, Looped) and can(run, "iterate"):
            yield Fire("iterate", {})
        elif isinstance(state, Cached) and _has_expired(run) and can(run, "expire"):
            yield Fire("expire", {})
        elif isinstance(state, Mapped) and self.mapping is not None and not self._children_done:
            yield from self._perform_children(self.mapping)
        elif can(run, "retry") and not _has_failed_before_start(run):
            yield from retry(run)
            self._children_done = False
        elif _cannot_start(run):
            return True
        elif not can(run, "start"):
            return (yield from _wait_for_start(run))
        elif (instead := self._ask_gate()) is not None:
            yield from enter_state(run, instead)
        elif (entry := self._look_up()) is not None:
            yield Fire("cache", entry)
            return True
        elif self.mapping is not None:
            yield from self._map(self.mapping)
        else:
            return (yield from self._execute())
        return False

    def _execute(self) -> Generator[Command, Reply, bool]:
        """Start the run and execute its task; return True if nothing will ever start it."""
        run = self.run
        try:
            yield Fire("start", self.starts)
        except GuardRejected:
            return (yield from _wait_for_start(run))
        deadline = run.deadline
        if deadline is not None and deadline <= now(run):  # the total time limit has passed
            yield from settle(run, Expired(stopped=True))
        else:
            yield from settle(run, (yield Execute(deadline)))
        return False

    def _map(self, mapping: MapPlan) -> Commands:
        try:
            count = mapping.count()
        except Exception as error:  # the result of the run above may be anything
            yield Fire("fail", {"result": error})
        else:
            yield Fire("map", {"map_states": [None] * count})

    def _ask_gate(self) -> State | None:
        if self.gate is None:
            return None
        with ambient.using(**payload_context(self.run)):
            return self.gate(self.run)

    def _look_up(self) -> dict[str, Any] | None:
        """Return an earlier result that has not expired, as the arguments of `cache`."""
        found = None if self.lookup is None else self.lookup(self.run)
        if found is None:
            return None
        if not isinstance(found, Cached):
            raise InvalidArgument(f"a lookup returns a Cached or None, not {found!r}")
        entry = arguments_of(found)
        return entry if can(self.run, "cache", **entry) else None

    def _perform_children(self, mapping: MapPlan) -> Commands:
        """Perform the children, and make the steps of their parent that follow."""
        run, self._children_done = self.run, True
        reply = yield PerformChildren(mapping.again or run.attempts > 0)
        if not isinstance(reply, Returned) or not isinstance(run.state, Mapped):
            return
        ends = reply.value
        if list(run.state.map_states) != ends:
            yield Fire("map", {"map_states": ends})
        message = mapping.quorum.shortfall(ends) if mapping.quorum is not None else None
        if message is not None:
            yield Fire("fail_map", {"message": message})


def _wait_for_start(run: TaskRun) -> Generator[Command, Reply, bool]:
    """Wait until the run may start; return True if it has no such time."""
    waits = due_at(run)
    if waits is None:
        return True
    yield Wait(waits.at)
    return False


def _has_failed_before_start(run: TaskRun) -> bool:
    """Whether its trigger rule failed it before it could run: a retry would fail again."""
    last = last_step(run)
    return isinstance(run.state, TriggerFailed) and not (last and last.source.is_running())


def _cannot_start(run: TaskRun) -> bool:
    """Whether neither time nor a driver can start it: it is finished, or paused without an end."""
    paused = isinstance(run.state, Paused) and not can(run, "start")
    return paused or not leads(run, "start")


def _has_expired(run: TaskRun) -> bool:
    waits = due_at(run)
    return waits is not None and waits.at <= now(run)
