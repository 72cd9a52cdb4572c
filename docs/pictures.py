"""Draws the pictures of README and docs into docs/img: `python docs/pictures.py`."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fsm import MemoryJournal, TaskRun
from fsm.diagrams import chart, heat, svg
from fsm.journal.traffic import Traffic
from fsm.lifecycle.store import StepStore
from fsm.testing import HandClock
from states import State

FOLDER = Path(__file__).parent / "img"
NAMES = ("etl/extract", "etl/load", "mail", "report")


def looping_run() -> TaskRun:
    """A run with three attempts, which then looped twice."""
    clock = HandClock()
    run = TaskRun("load", clock=clock, max_retries=2)
    run.submit()
    run.start()
    for _ in range(2):
        clock.advance(seconds=5)
        run.fail()
        run.retry()
        clock.advance(seconds=2)
        run.start()
    for _ in range(2):
        run.loop()
        run.iterate()
        run.start()
    clock.advance(seconds=3)
    run.succeed()
    return run


def retried_run(
    name: str, began: float, chances: random.Random, journal: StepStore | None = None
) -> TaskRun:
    """A run each of whose attempts fails with a chance of 35 %, and is retried."""
    clock = HandClock()
    clock.advance(seconds=began)
    run = TaskRun(name, clock=clock, max_retries=3, journal=journal)
    run.schedule(start_time=clock().add(seconds=3))
    clock.advance(seconds=3 + 2 * chances.random())
    run.start()
    clock.advance(seconds=2 + 8 * chances.random())
    while chances.random() < 0.35:
        run.fail()
        clock.advance(seconds=1)
        if not run.retry.may(start_time=clock().add(seconds=2)):
            return run
        run.retry(start_time=clock().add(seconds=2))
        clock.advance(seconds=2 + chances.random())
        run.start()
        clock.advance(seconds=9 * chances.random())
    if chances.random() < 0.97:
        run.succeed()
    return run


def many_runs(count: int, seconds: float, journal: StepStore | None = None) -> list[TaskRun]:
    """*count* runs that begin within so many seconds."""
    chances = random.Random(3)
    return [
        retried_run(
            f"{chances.choice(NAMES)}-{place}", seconds * chances.random(), chances, journal
        )
        for place in range(count)
    ]


def traffic(count: int, seconds: float) -> Traffic:
    """The traffic halfway through so many runs."""
    journal, now = MemoryJournal(), HandClock().advance(seconds=seconds / 2)
    steps = (step for run in many_runs(count, seconds) for step in run.history)
    journal.extend(step for step in steps if step.at <= now)
    return journal.traffic()


PICTURES: Final[dict[str, Callable[[], str]]] = {
    "lifecycle": lambda: svg(TaskRun),
    "run": lambda: svg(looping_run()),
    "inheritance": lambda: svg(State),
    "timeline": lambda: chart([looping_run(), *many_runs(18, 12)]),
    "heat": lambda: svg(heat(TaskRun, traffic(2_000, 600))),
    "many": lambda: chart(many_runs(10_000, 600)),
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for picture, draw in PICTURES.items():
        (FOLDER / f"{picture}.svg").write_text(draw(), encoding="utf-8")
