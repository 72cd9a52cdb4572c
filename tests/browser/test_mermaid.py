"""Mermaid itself, and what we give it: it draws each state and each edge, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from fsm import Run, TaskRun, event
from fsm.diagrams import gantt, graph, inheritance, mermaid
from fsm.testing import HandClock
from states import Failed, Pending, Running, State, Success

from .mermaid_page import MermaidPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MOST = 50_000  # characters that Mermaid reads, unless it is told otherwise


@attrs.frozen
class Baked(Success):
    """Golden brown."""


@attrs.frozen
class Burnt(Failed):
    """Black."""


class Cake(Run):
    """What a user may write."""

    bake = event(Running, source=Pending)
    take_out = event(Baked, source=Running)
    forget = event(Burnt, source=Running)


@pytest.fixture(scope="module", params=["light", "dark"])
def page(
    browser: Browser, mermaid_js: Path, request: pytest.FixtureRequest
) -> Iterator[MermaidPage]:
    """Mermaid as GitHub has it, with Mermaid's own limits."""
    page = MermaidPage(browser, mermaid_js, dark=request.param == "dark", limited=True)
    yield page
    assert page.close() == []


@pytest.fixture
def run() -> TaskRun:
    """A run that was tried twice."""
    clock = HandClock()
    run = TaskRun("load", clock=clock, max_retries=2)
    run.submit()
    clock.advance(seconds=2)
    run.start()
    clock.advance(seconds=5)
    run.fail()
    run.retry()
    run.start()
    clock.advance(seconds=3)
    run.succeed()
    return run


TARGETS = (TaskRun, TaskRun.lifecycle, Cake, inheritance())


@pytest.mark.parametrize("target", TARGETS, ids=["TaskRun", "lifecycle", "Cake", "inheritance"])
def test_each_state_and_edge_is_drawn(page: MermaidPage, target: Any) -> None:
    shown, text = graph(target), mermaid(target)

    drawn = page.draw(text)

    names = [node.name for node in shown.nodes] + [box.name for box in shown.clusters]
    assert Counter(drawn.names.values()) - Counter({"": 99, "any": 99}) == Counter(names)
    assert sorted(map(packed, drawn.labels)) == sorted(
        packed("".join(edge.lines)) for edge in shown.edges if edge.lines
    )
    assert drawn.paths == text.count("-->")
    assert drawn.foreign == []


def test_the_path_of_a_run_is_drawn(page: MermaidPage, run: TaskRun) -> None:
    drawn = page.draw(mermaid(run))

    assert sorted(drawn.names.values()) == [
        "", "Failed", "Pending", "Retrying", "Running", "Submitted", "Success",
    ]  # fmt: skip
    assert sorted(drawn.labels) == [
        "1: submit", "2: start", "3: fail", "4: retry", "5: start", "6: succeed",
    ]  # fmt: skip
    assert drawn.paths == 7


@pytest.mark.parametrize("direction", ["TB", "BT", "LR", "RL"])
def test_every_direction_is_drawn(page: MermaidPage, direction: str) -> None:
    drawn = page.draw(mermaid(TaskRun, direction=direction))

    assert drawn.paths == mermaid(TaskRun).count("-->")


def test_each_label_is_where_it_can_be_read(page: MermaidPage) -> None:
    page.draw(mermaid(TaskRun))

    assert page.clipped() == []
    assert page.overlapping() == []


def test_runs_are_drawn_over_time(page: MermaidPage, run: TaskRun) -> None:
    drawn = page.schedule(gantt([run]))

    assert drawn.sections == ["load"]
    assert drawn.tasks == [
        "1 Submitted", "2 Running", "3 Failed", "4 Retrying", "5 Running", "6 Success",
    ]  # fmt: skip
    assert drawn.bars == 6


def test_runs_that_are_called_by_a_number_stay_in_their_order(page: MermaidPage) -> None:
    drawn = page.schedule(gantt(started("30", "2", "10", "one")))

    assert drawn.sections == ["30", "2", "10", "one"]


def test_runs_that_look_alike_have_sections_of_their_own(page: MermaidPage) -> None:
    drawn = page.schedule(gantt(started("a", "b", "a", "a (2)")))

    assert drawn.sections == ["a", "b", "a (2)", "a (2) (2)"]


def test_no_run_is_drawn_over_no_time(page: MermaidPage) -> None:
    assert page.schedule(gantt([])).bars == 0


def test_many_runs_are_within_what_mermaid_reads(page: MermaidPage) -> None:
    text = gantt(
        started(*(f"{'load' if place % 2 else 'store'}-{place}" for place in range(10_000)))
    )

    assert len(text) < MOST
    assert page.schedule(text).sections == ["store (5000 runs)", "load (5000 runs)"]


def test_what_a_person_would_draw_is_within_what_mermaid_reads(page: MermaidPage) -> None:
    """A hundred states, and two hundred edges: it is slow to read, but not for Mermaid."""
    large = lifecycle_of(100)

    text = mermaid(large)

    assert len(text) < MOST
    assert page.draw(text).paths == text.count("-->")


def started(*names: str) -> list[TaskRun]:
    """Runs that began one after the other, and are over."""
    clock, runs = HandClock(), []
    for name in names:
        run = TaskRun(name, clock=clock)
        run.start()
        clock.advance(seconds=1)
        run.succeed()
        runs.append(run)
    return runs


def lifecycle_of(count: int) -> type[Run]:
    """A chain of *count* states, each of which may fail back to the beginning."""
    states: list[Any] = [Pending]
    rows = {}
    for place in range(count - 1):
        body = {"__module__": __name__, "__annotations__": {}}
        states.append(attrs.frozen(type(f"Stage{place}OfTheWork", (State,), dict(body))))
        rows[f"go_on_to_{place}"] = event(states[-1], source=states[-2])
        rows[f"give_up_{place}"] = event(Pending, source=states[-1])
    return type("Long", (Run,), rows)


def packed(text: str) -> str:
    """Without spaces: a label may break anywhere."""
    return "".join(text.split())
