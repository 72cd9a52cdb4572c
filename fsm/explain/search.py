"""Path: which triggers lead a run to where an event can be fired, tried out on doubles of it.

A double is a run of the same class, state and history that no journal keeps and no listener hears:
guards and payloads are asked as they would be, so what is found works. Nothing happens to the run.
A state is come back to: what a guard misses, a round elsewhere may bring.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import pendulum

from fsm.errors import GuardRejected, LifecycleError
from fsm.run.access import advance, double_of, now_micros, set_time
from fsm.run.decision import propose
from fsm.states import State, StateError, moment
from fsm.states.exceptions import recorded

if TYPE_CHECKING:
    from fsm.lifecycle.step import Step
    from fsm.lifecycle.table import Lifecycle
    from fsm.run.run import Run

__all__ = ["Leg", "path", "said"]

_A_DAY = 86_400 * 1_000_000
_A_DETOUR = 2  # legs that somebody goes rather than wait for more than a day
_A_DOUBT = 100  # legs that somebody goes rather than hope
_TURNS = 10  # of a double's clock for one leg: each guard may name another time
_ROUNDS = 8  # ways to one state that are gone on from, the cheapest first

Cost = tuple[int, int, int]  # legs, waits, guards that nobody could ask
Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


@attrs.frozen
class Leg:
    """One trigger on the way, and where it leads."""

    event: str
    dest: str
    at: pendulum.DateTime | None = None  # no sooner than this; None is at once
    doubt: str | None = None  # why it is not certain; None where it was tried out

    def __str__(self) -> str:
        when = "" if self.at is None else f" from {self.at.isoformat()} on"
        doubt = "" if self.doubt is None else f" (in doubt: {self.doubt})"
        return f"{self.event} → {self.dest}{when}{doubt}"


@attrs.frozen(eq=False)
class _Stand:
    """Where a way has come to: in which state, and by which step of which double, if it is known.

    Few of those on the list are gone on from, so the double that stands here is made when needed.
    """

    node: type[State]
    before: Run | None
    step: Step | None = None

    def double(self) -> Run | None:
        """A run that stands here; None where what it would carry is unknown."""
        if self.before is None or self.step is None:
            return self.before
        double = double_of(self.before)
        advance(double, self.step)
        return double


def path(double: Run, event: str, arguments: Arguments) -> tuple[Leg, ...]:
    """The cheapest way of triggers from *double* that ends in *event*; empty where there is none.

    Short ways first; of equally short ones those without a wait, then the first of the table. A
    wait of more than a day is worth a detour. What is in doubt comes last: a guard that says no by
    then, or a payload that needs arguments, behind which only the table is known.
    """
    number = itertools.count()  # so that of equal ways the table's order decides
    lifecycle, start = type(double).lifecycle, _Stand(type(double.state), double)
    ways: list[tuple[Cost, int, _Stand | None, tuple[Leg, ...]]] = [
        ((0, 0, 0), next(number), start, ())
    ]
    seen: dict[type[State], set[tuple[str, ...]]] = defaultdict(set)
    while ways:
        cost, _, stand, legs = heapq.heappop(ways)
        if stand is None:  # the last leg is the event itself
            return () if len(legs) == 1 and legs[0].doubt else legs
        if not _worth_going_on(stand, legs, seen[stand.node]):
            continue
        here = stand.double()
        for name in lifecycle.allowed(stand.node):
            given = arguments if name == event else ((), {})
            for leg, price, reached in _legs(lifecycle, stand.node, here, name, given):
                total = (cost[0] + price[0], cost[1] + price[1], cost[2] + price[2])
                end = None if name == event else reached
                heapq.heappush(ways, (total, next(number), end, (*legs, leg)))
    return ()


def _worth_going_on(stand: _Stand, legs: tuple[Leg, ...], seen: set[tuple[str, ...]]) -> bool:
    """Whether nobody has come here by the same triggers, and not many by others."""
    by = tuple(sorted(leg.event for leg in legs))
    if by in seen or len(seen) >= (1 if stand.before is None else _ROUNDS):
        return False
    seen.add(by)
    return True


def _legs(
    lifecycle: Lifecycle, node: type[State], double: Run | None, event: str, given: Arguments
) -> Iterator[tuple[Leg, Cost, _Stand]]:
    """What firing *event* comes to: one leg where it was tried out, else all the table has."""
    guarded = any(row.guarded for row in lifecycle.rows(event, node))
    doubt = "its guards are asked only then" if guarded else "it is only in the table"
    if double is not None:
        before = now_micros(double)
        try:
            step = _tried(double_of(double), event, given)
        except Exception as error:  # a guard's no, a payload that needs more, or anyone's code
            doubt = said(error)
        else:
            at = step.at if step.micros > before else None
            far = step.micros - before > _A_DAY
            price = (1 + _A_DETOUR * far, int(at is not None), 0)
            dest = type(step.dest)
            yield Leg(event, dest.__name__, at), price, _Stand(dest, double, step)
            return
    for dest in lifecycle.dests(event, node):
        yield (
            Leg(event, dest.__name__, None, doubt),
            (_A_DOUBT, 0, int(guarded)),
            _Stand(dest, None),
        )


def _tried(double: Run, event: str, given: Arguments) -> Step:
    """The step that *double* would make, its clock turned to when its guards let it."""
    args, kwargs = given
    for _ in range(_TURNS):
        try:
            return propose(event, double, args, dict(kwargs))[0]
        except GuardRejected as refused:
            later = _later(refused, now_micros(double))
            if later is None:
                raise
            set_time(double, later)
    raise LifecycleError("its guards name ever later times")


def _later(refused: GuardRejected, micros: int) -> datetime.datetime | None:
    """The next time at which one of the guards would pass."""
    named = (rejection.passes_at for rejection in refused.rejections)
    aware = (at for at in named if at is not None and at.tzinfo is not None)
    return min((at for at in aware if moment.to_micros(at) > micros), default=None)


def said(error: Exception) -> str:
    """What an error says: ours in its own words, anyone's with its kind, even if it cannot say."""
    if isinstance(error, GuardRejected):
        return "; ".join(map(str, error.rejections))
    if isinstance(error, LifecycleError | StateError):
        return str(error)
    record = recorded(error)
    return f"{record.type}: {record.text}"
