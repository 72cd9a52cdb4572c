"""The search: in random lifecycles its paths work, and none is longer than necessary."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fsm import GuardRejected, Run, either, event
from fsm.errors import InvalidLifecycle, TransitionError
from fsm.explain import explain
from fsm.testing import HandClock
from states import Failed, Finished, Paused, Pending, Running, Scheduled, State, Success

STATES: list[type[State]] = [Pending, Running, Success, Failed, Paused, Scheduled, Finished]
EVENTS = "abcdefg"
DEPTH = 3  # events of the paths that are enumerated

Path = tuple[str, ...]
Start = Callable[[], tuple[Run, HandClock]]


def guard(chance: random.Random) -> Any:
    """A guard that reads the history, one that names a time, or one that does not."""
    name, hour = chance.choice(EVENTS), chance.randrange(1, 24)
    return chance.choice([
        lambda run, _step: any(step.event == name for step in run.history) or f"no {name}",
        lambda run, _step: run.history[-1:] and run.history[-1].event == name,
        lambda _run, step: step.at.hour >= hour or step.at.start_of("day").add(hours=hour),
        lambda _run, step: step.at.hour < hour,
        lambda _run, _step: False,
    ])  # fmt: skip


def row(chance: random.Random) -> Any:
    guards = [guard(chance) for _ in range(chance.choice([0, 0, 1, 2]))]
    unless = [guard(chance)] if chance.random() < 0.15 else []
    sources = chance.sample(STATES, chance.choice([1, 1, 2]))
    return event(chance.choice(STATES), source=sources, conditions=guards, unless=unless)


def lifecycle(chance: random.Random) -> type[Run]:
    """The first random table that is valid."""
    while True:
        rows = {
            name: either(row(chance), row(chance)) if chance.random() < 0.2 else row(chance)
            for name in EVENTS
        }
        try:
            return type("Random", (Run,), rows)
        except InvalidLifecycle:
            continue


def fire(run: Run, clock: HandClock, name: str) -> State:
    """Fire the event, as late as its guards ask for."""
    while True:
        try:
            return run.trigger(name)
        except GuardRejected as refused:
            times = [each.passes_at for each in refused.rejections if each.passes_at]
            later = [at for at in times if at > clock()]
            if not later:
                raise
            clock.turn_to(min(later))


def follow(start: Start, path: Path) -> tuple[Run, HandClock] | None:
    """A run that has made the events of *path*; None where it cannot."""
    run, clock = start()
    try:
        for name in path:
            fire(run, clock, name)
    except TransitionError:
        return None
    return run, clock


def enumerate_paths(start: Start, begun: Path, depth: int) -> Iterator[Path]:
    """All paths that work, the short ones first."""
    level = [begun]
    for _ in range(depth):
        longer = ((*path, name) for path in level for name in EVENTS)
        level = [path for path in longer if follow(start, path)]
        yield from (path[len(begun) :] for path in level)


@pytest.mark.parametrize("seed", range(50))
def test_the_path_works_and_is_the_shortest(seed: int) -> None:
    cls = lifecycle(random.Random(seed))

    def start() -> tuple[Run, HandClock]:
        clock = HandClock()
        return cls("run-1", clock=clock), clock

    for begun in [(), *enumerate_paths(start, (), 1)]:
        found = list(enumerate_paths(start, begun, DEPTH))
        for name in cls.lifecycle.events:
            run, clock = follow(start, begun) or start()
            why = explain(run, name)
            shortest = next((path for path in found if path[-1] == name), None)
            if shortest is not None:
                assert why.certain
                assert len(why.path) <= len(shortest)
            if why.certain:
                for step in why.path:
                    clock.turn_to(step.at or clock())
                    assert type(run.trigger(step.event)).__name__ == step.dest
                assert run.history[-1].event == name
