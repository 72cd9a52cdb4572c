"""Search for the cheapest sequence of events that leads a run to where an event can be fired.

The events are tried out on doubles of the run: runs of the same class, state and history without a
journal and listeners. Their guards and payloads are evaluated as they would be on the run, so a
path that is found works. The run itself is not moved.

A path may pass a state several times: the steps in between may be what a guard asks for.
"""

import datetime
import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pendulum

from fsm.errors import GuardRejected, LifecycleError
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.run.access import advance, double_of, now_micros, set_time
from fsm.run.decision import decide
from fsm.run.run import Run
from fsm.states import State, StateError, moment
from fsm.states.exceptions import record_exception

__all__ = ["PathStep", "describe_error", "find_path"]

_A_DAY = 86_400 * 1_000_000  # microseconds
_LONG_WAIT_PENALTY = 2  # steps of a detour that are better than a wait of more than a day
_UNCERTAINTY_PENALTY = 100  # steps of a detour that are better than an event that was not tried out
_MAX_WAITS = 10  # of one event: each guard may name another time
_MAX_PATHS_TO_STATE = 8  # that are continued, the cheapest first

Cost = tuple[int, int, int]  # steps and penalties, waits, guards that could not be evaluated
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


@attrs.frozen
class PathStep:
    """One event to fire on the way, and the state it leads to."""

    __module__ = "fsm.explain"

    event: str
    dest: str
    at: pendulum.DateTime | None = None  # the earliest time to fire it; None: at once
    doubt: str | None = None  # why it is uncertain; None where it was tried out

    def __str__(self) -> str:
        when = "" if self.at is None else f" from {self.at.isoformat()} on"
        doubt = "" if self.doubt is None else f" (uncertain: {self.doubt})"
        return f"{self.event} → {self.dest}{when}{doubt}"


@attrs.frozen(eq=False)
class _Position:
    """The end of a partial path: a state, and the step of a double that leads there, if known.

    Few positions in the queue are continued, so the double that stands there is built on demand.
    """

    node: type[State]
    before: Run | None
    step: Step | None = None

    def double(self) -> Run | None:
        """A double that stands here; None where its payload is unknown."""
        if self.before is None or self.step is None:
            return self.before
        double = double_of(self.before)
        advance(double, self.step)
        return double


def find_path(double: Run, event: str, arguments: Arguments) -> tuple[PathStep, ...]:
    """The cheapest path from *double* that ends with *event*; empty where there is none.

    Short paths first; of equally short ones those without a wait, then the first of the table. A
    wait of more than a day costs as much as a short detour. Uncertain steps cost most: a guard
    refuses them as far as can be seen now, or their payload needs arguments; behind them only the
    table is known.
    """
    number = itertools.count()  # of equal costs, the table's order decides
    lifecycle, start = type(double).lifecycle, _Position(type(double.state), double)
    queue: list[tuple[Cost, int, _Position | None, tuple[PathStep, ...]]] = [
        ((0, 0, 0), next(number), start, ())
    ]
    seen: dict[type[State], set[tuple[str, ...]]] = defaultdict(set)
    while queue:
        cost, _, position, path = heapq.heappop(queue)
        if position is None:  # the last step is the event itself
            return () if len(path) == 1 and path[0].doubt else path
        if not _is_worth_continuing(position, path, seen[position.node]):
            continue
        here = position.double()
        for name in lifecycle.allowed(position.node):
            given = arguments if name == event else ((), {})
            for step, price, reached in _next_steps(lifecycle, position.node, here, name, given):
                total = (cost[0] + price[0], cost[1] + price[1], cost[2] + price[2])
                end = None if name == event else reached
                heapq.heappush(queue, (total, next(number), end, (*path, step)))
    return ()


def _is_worth_continuing(
    position: _Position, path: tuple[PathStep, ...], seen: set[tuple[str, ...]]
) -> bool:
    """Whether no path with the same events has come here yet, and few others have."""
    events = tuple(sorted(step.event for step in path))
    if events in seen or len(seen) >= (1 if position.before is None else _MAX_PATHS_TO_STATE):
        return False
    seen.add(events)
    return True


def _next_steps(
    lifecycle: Lifecycle, node: type[State], double: Run | None, event: str, given: Arguments
) -> Iterator[tuple[PathStep, Cost, _Position]]:
    """What firing *event* leads to: one step if it was tried out, else all rows of the table."""
    guarded = any(row.guarded for row in lifecycle.rows(event, node))
    doubt = "its guards cannot be evaluated before" if guarded else "known from the table only"
    if double is not None:
        before = now_micros(double)
        try:
            step = _try_event(double_of(double), event, given)
        except Exception as error:  # refused, arguments missing, or a user's code failed
            doubt = describe_error(error)
        else:
            at = step.at if step.micros > before else None
            is_far = step.micros - before > _A_DAY
            price = (1 + _LONG_WAIT_PENALTY * is_far, int(at is not None), 0)
            dest = type(step.dest)
            yield PathStep(event, dest.__name__, at), price, _Position(dest, double, step)
            return
    for dest in lifecycle.dests(event, node):
        yield (
            PathStep(event, dest.__name__, None, doubt),
            (_UNCERTAINTY_PENALTY, 0, int(guarded)),
            _Position(dest, None),
        )


def _try_event(double: Run, event: str, given: Arguments) -> Step:
    """The step that *double* would make, once its clock is set to when its guards let it."""
    args, kwargs = given
    for _ in range(_MAX_WAITS):
        try:
            return decide(double, event, args, dict(kwargs))[0]
        except GuardRejected as refused:
            later = _next_time(refused, now_micros(double))
            if later is None:
                raise
            set_time(double, later)
    raise LifecycleError(f"its guards named a later time {_MAX_WAITS} times in a row")


def _next_time(refused: GuardRejected, micros: int) -> datetime.datetime | None:
    """The earliest time after *micros* at which one of the guards would pass."""
    times = (rejection.passes_at for rejection in refused.rejections)
    aware = (at for at in times if at is not None and at.tzinfo is not None)
    return min((at for at in aware if moment.to_micros(at) > micros), default=None)


def describe_error(error: Exception) -> str:
    """The message of an error; of one that is not ours, its class too, even if `str()` raises."""
    if isinstance(error, GuardRejected):
        return "; ".join(map(str, error.rejections))
    if isinstance(error, LifecycleError | StateError):
        return str(error)
    record = record_exception(error)
    return f"{record.type}: {record.text}"
