"""Pictures: what is drawn can be read, says the judge in a real browser."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from fsm import LifecycleError, MemoryJournal, Run, TaskRun, event, internal
from fsm.diagrams import Target, graph, heat, svg
from fsm.journal.traffic import Stay, Traffic
from fsm.testing import HandClock
from states import Failed, Finished, Pending, Running, Scheduled, State, Success

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("pygraphviz")

WIDE = 1200  # pixels of a page
JUDGE = Path(__file__).with_name("judge.js").read_text(encoding="utf-8")


class Tiny(Run):
    """Two states."""

    start = event(Running, source=Pending)


class Idle(Run):
    """One state."""

    ping = internal(source=Pending)


class Talker(Run):
    """Steps that stay, on each state."""

    start = event(Running, source=Pending)
    progress = internal(source=(Pending, Running))
    finish = event(Finished, source=Running)


@attrs.frozen
class Review(Scheduled):
    """Somebody looks at it."""


@attrs.frozen
class FirstReview(Review):
    """The first who looks at it."""


@attrs.frozen
class SecondReviewByAColleagueOfTheOther(Review):
    """The other."""


class Reviewed(TaskRun):
    """A user's subclass with a family of its own."""

    review = event(FirstReview, source=Pending, excluding=Review)
    review_again = event(SecondReviewByAColleagueOfTheOther, source=FirstReview)
    approve = event(Success, source=Review)
    reject = event(Failed, source=Review)


def ring(count: int) -> type[Run]:
    """States that follow each other in a ring."""
    base: Any = attrs.frozen(type("Seat", (State,), {"__module__": __name__}))
    seats: list[Any] = [
        attrs.frozen(type(f"Seat{place}", (base,), {"__module__": __name__}))
        for place in range(count)
    ]
    rows: dict[str, Any] = {
        f"go_{place}": event(seats[(place + 1) % count], source=seat)
        for place, seat in enumerate(seats)
    }
    return type("Ring", (Run,), {"initial": seats[0], **rows})


def tangle(seed: int, count: int = 9) -> type[Run]:
    """States joined as chance will have it, each reached from one before it."""
    chances = random.Random(seed)
    states: list[Any] = [
        attrs.frozen(type(f"State{place}", (State,), {"__module__": __name__}))
        for place in range(count)
    ]
    rows: dict[str, Any] = {
        f"to_{place}": event(state, source=chances.choice(states[:place]))
        for place, state in enumerate(states)
        if place
    }
    for place in range(count):
        sources = tuple(chances.sample(states, chances.randint(1, 3)))
        rows[f"leap_{place}"] = event(chances.choice(states), source=sources)
    return type("Tangle", (Run,), {"initial": states[0], **rows})


def star(count: int) -> type[Run]:
    """A hub and as many states around it, of no family."""
    hub, *leaves = (
        attrs.frozen(type(name, (State,), {"__module__": __name__}))
        for name in ("Hub", *(f"Leaf{place}" for place in range(count)))
    )
    rows: dict[str, Any] = {
        f"go_{place}": event(leaf, source=hub) for place, leaf in enumerate(leaves)
    }
    return type("Star", (Run,), {"initial": hub, "back": event(hub, source=leaves), **rows})


def crowd(count: int) -> Run:
    """A run with a large family that it never was in, each of which leads to the next."""
    base: Any = attrs.frozen(type("Bystander", (State,), {"__module__": __name__}))
    others: list[Any] = [
        attrs.frozen(type(f"Bystander{place}", (base,), {"__module__": __name__}))
        for place in range(count)
    ]
    rows: dict[str, Any] = {
        f"go_{place}": event(after, source=before)
        for place, (before, after) in enumerate(zip((Running, *others), others, strict=False))
    }
    return type("Crowd", (Tiny,), rows)("lonely")


def wandered(seed: int, steps: int) -> TaskRun:
    """A run that made so many steps, as chance will have it, and did not end before."""
    chances, clock = random.Random(seed), HandClock()
    run = TaskRun(f"wanderer-{seed}", clock=clock, max_retries=1_000)
    finals = run.lifecycle.finals
    while len(run.history) < steps:
        clock.advance(days=400)
        ways = [edge for edge in run.lifecycle.edges if edge.source is type(run.state)]
        names = [edge.event for edge in ways if edge.dest not in finals]
        chances.shuffle(names)
        name = next((name for name in names if getattr(run, name).may()), None)
        if name is None:
            return run
        getattr(run, name)()
    return run


def walked(*events: str) -> TaskRun:
    """A run that went this way."""
    clock = HandClock()
    run = TaskRun("walker", clock=clock, max_retries=9)
    for name in events:
        clock.advance(days=400)
        getattr(run, name)()
    return run


def turned(times: int) -> TaskRun:
    """A run that was tried again so often."""
    return walked("start", *(("fail", "retry", "start") * min(times, 9)), "succeed")


LIFECYCLES: dict[str, Callable[[], Target]] = {
    "TaskRun": lambda: TaskRun,
    "two states": lambda: Tiny,
    "one state": lambda: Idle,
    "steps that stay": lambda: Talker,
    "a family of one's own": lambda: Reviewed,
    "a ring": lambda: ring(30),
    "a star": lambda: star(24),
    "all states": lambda: State,
    "the failed": lambda: Failed,
    "the finished": lambda: Finished,
    **{f"tangle {seed}": lambda seed=seed: tangle(seed) for seed in range(12)},
}
RUNS: dict[str, Callable[[], Target]] = {
    "no step": walked,
    "one step": lambda: walked("start"),
    "one step to the end": lambda: walked("cancel"),
    "plain": lambda: walked("submit", "start", "succeed"),
    "retried": lambda: turned(3),
    "looped": lambda: walked("start", *("loop", "iterate", "start") * 4, "finish"),
    "paused": lambda: walked("pause", "resume", "start", "pause", "resume", "start", "succeed"),
    "mapped": lambda: walked("map", "map", "map"),
    "cached": lambda: walked("cache", "expire", "start", "succeed"),
    "cancelled": lambda: walked("schedule", "submit", "start", "cancel"),
    "skipped": lambda: walked("queue", "submit", "skip"),
    "in tiny": lambda: Tiny("small"),
    "in a crowd": lambda: crowd(15),
    **{
        f"{steps} steps, {seed}": lambda seed=seed, steps=steps: wandered(seed, steps)
        for steps in (15, 40, 120, 500)
        for seed in range(6)
    },
}


def refused(steps: int) -> TaskRun:
    """A run that was refused all that it could not do, wherever it was."""
    run = turned(steps)
    again = TaskRun("refused", max_retries=9, clock=HandClock())
    for step in run.history:
        for name in list(again.lifecycle.events)[: 9 * (len(again.history) % 3)]:
            if not getattr(again, name).may():
                with suppress(LifecycleError):
                    again.trigger(name)
        again.trigger(step.event)
    return again


def traffic(seed: int, runs: int) -> Target:
    """Where many runs are that wandered so long."""
    journal = MemoryJournal()
    for place in range(runs):
        wanderer = wandered(seed * runs + place, 1 + place % 12)
        journal.extend(step._replace(run=f"{place}") for step in wanderer.history)
    return heat(TaskRun, journal.traffic())


HEATS: dict[str, Callable[[], Target]] = {
    "no runs": lambda: heat(TaskRun, Traffic({}, {})),
    "a few": lambda: traffic(1, 7),
    "many": lambda: traffic(2, 300),
    "a million": lambda: heat(
        TaskRun,
        Traffic(
            {node.__name__: Stay(10**6, 0, 10**6, 10**18) for node in TaskRun.lifecycle.nodes},
            {
                (edge.source.__name__, edge.event, edge.dest.__name__): 10**6
                for edge in TaskRun.lifecycle.edges
            },
        ),
    ),
    "refused once": lambda: refused(0),
    "refused a lot": lambda: refused(3),
}


@pytest.fixture(scope="module", params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1240, "height": 900}
    )
    yield context.new_page()
    context.close()


def judged(page: Page, picture: str, most: int = 1) -> list[str]:
    """What is wrong with *picture*; with *most*, it must also fit on the page."""
    page.set_content(f'<body style="margin:20px">{picture}</body>')
    return page.evaluate(JUDGE, [WIDE, most])


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_lifecycle_can_be_read(page: Page, name: str) -> None:
    assert judged(page, svg(LIFECYCLES[name]())) == []


@pytest.mark.parametrize("font", ["monospace", "serif", "DejaVu Sans", "no such font"])
@pytest.mark.parametrize("target", [TaskRun, Reviewed, State, turned(2), refused(1)])
def test_a_picture_can_be_read_in_any_font(page: Page, font: str, target: Target) -> None:
    restyled = f"<style>svg * {{ font-family: {font} !important }}</style>"

    assert judged(page, restyled + svg(target)) == []


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_lifecycle_can_be_read_sideways(page: Page, name: str) -> None:
    assert judged(page, svg(LIFECYCLES[name](), direction="LR"), most=0) == []


@pytest.mark.parametrize("name", RUNS)
def test_a_run_can_be_read(page: Page, name: str) -> None:
    assert judged(page, svg(RUNS[name]())) == []


@pytest.mark.parametrize("name", HEATS)
def test_heat_and_refusals_can_be_read(page: Page, name: str) -> None:
    assert judged(page, svg(HEATS[name]())) == []


@pytest.mark.parametrize("name", RUNS)
def test_a_path_alone_can_be_read(page: Page, name: str) -> None:
    assert judged(page, svg(graph(RUNS[name]()).path())) == []


@pytest.mark.parametrize("direction", ["BT", "RL", "LR"])
def test_a_run_can_be_read_from_any_side(page: Page, direction: str) -> None:
    assert judged(page, svg(turned(2), direction=direction), most=0) == []
