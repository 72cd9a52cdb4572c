"""Path: in lifecycles drawn by lot, what is suggested works, and no short way is missed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fsm import GuardRejected, InvalidLifecycle, Run, either, event
from fsm.errors import TransitionError
from fsm.explain.why import explain
from fsm.testing import HandClock
from states import Failed, Finished, Paused, Pending, Running, Scheduled, State, Success

STATES: list[type[State]] = [Pending, Running, Success, Failed, Paused, Scheduled, Finished]
EVENTS = "abcdefg"
DEPTH = 3  # triggers of the ways that are tried one by one

Way = tuple[str, ...]
Start = Callable[[], tuple[Run, HandClock]]


def guard(lot: random.Random) -> Any:
    """One that looks at the history, one that names a time, or one that names none."""
    name, hour = lot.choice(EVENTS), lot.randrange(1, 24)
    return lot.choice([
        lambda run, _step: any(step.event == name for step in run.history) or f"no {name}",
        lambda run, _step: run.history[-1:] and run.history[-1].event == name,
        lambda _run, step: step.at.hour >= hour or step.at.start_of("day").add(hours=hour),
        lambda _run, step: step.at.hour < hour,
        lambda _run, _step: False,
    ])  # fmt: skip


def row(lot: random.Random) -> Any:
    guards = [guard(lot) for _ in range(lot.choice([0, 0, 1, 2]))]
    unless = [guard(lot)] if lot.random() < 0.15 else []
    sources = lot.sample(STATES, lot.choice([1, 1, 2]))
    return event(lot.choice(STATES), source=sources, conditions=guards, unless=unless)


def lifecycle(lot: random.Random) -> type[Run]:
    """The first that makes sense."""
    while True:
        rows = {
            name: either(row(lot), row(lot)) if lot.random() < 0.2 else row(lot) for name in EVENTS
        }
        try:
            return type("Lot", (Run,), rows)
        except InvalidLifecycle:
            continue


def fire(run: Run, clock: HandClock, name: str) -> State:
    """Fire when the guards let it, as far as they say when."""
    while True:
        try:
            return run.trigger(name)
        except GuardRejected as refused:
            times = [each.passes_at for each in refused.rejections if each.passes_at]
            later = [at for at in times if at > clock()]
            if not later:
                raise
            clock.turn_to(min(later))


def gone(start: Start, way: Way) -> tuple[Run, HandClock] | None:
    """A run that has gone *way*; None where it cannot be gone."""
    run, clock = start()
    try:
        for name in way:
            fire(run, clock, name)
    except TransitionError:
        return None
    return run, clock


def ways(start: Start, begun: Way, depth: int) -> Iterator[Way]:
    """All that can be gone, the short ones first."""
    level = [begun]
    for _ in range(depth):
        longer = ((*way, name) for way in level for name in EVENTS)
        level = [way for way in longer if gone(start, way)]
        yield from (way[len(begun) :] for way in level)


@pytest.mark.parametrize("seed", range(50))
def test_the_way_works_and_is_the_shortest(seed: int) -> None:
    cls = lifecycle(random.Random(seed))

    def start() -> tuple[Run, HandClock]:
        clock = HandClock()
        return cls("run-1", clock=clock), clock

    for begun in [(), *ways(start, (), 1)]:
        found = list(ways(start, begun, DEPTH))
        for name in cls.lifecycle.events:
            run, clock = gone(start, begun) or start()
            why = explain(run, name)
            shortest = next((way for way in found if way[-1] == name), None)
            if shortest is not None:
                assert why.certain
                assert len(why.path) <= len(shortest)
            if why.certain:
                for leg in why.path:
                    clock.turn_to(leg.at or clock())
                    assert type(run.trigger(leg.event)).__name__ == leg.dest
                assert run.history[-1].event == name
