"""The time of a run on the page: how long in words, and clocks that were set back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.durations import format_duration
from fsm.testing import HandClock

from .pages import expect, serving, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DAY = 86_400
BEGAN = 1_767_312_000_000_123  # microseconds since 1970
UNITS = (1, 1000, 100_000, 10**6, 60 * 10**6, 3600 * 10**6, DAY * 10**6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two runs whose clock was set back, one in the middle and one at its end."""
    path, clock = tmp_path / "runs.db", HandClock()
    with open_journal(path) as kept:
        middle = TaskRun("middle", journal=kept, clock=clock)
        middle.start()
        clock.advance(seconds=-DAY)
        middle.pause()
        clock.advance(seconds=2 * DAY)
        middle.resume()
        middle.start()
        middle.succeed()
        end = TaskRun("end", journal=kept, clock=clock)
        end.start()
        clock.advance(seconds=-DAY)
        end.succeed()
    return path


@pytest.fixture(params=["live", "report"])
def page(request: pytest.FixtureRequest, browser: Browser, path: Path) -> Iterator[Page]:
    if request.param == "live":
        with serving(path) as server, visiting(browser, server.url) as (page, seen):
            yield page
    else:
        file = path.with_name("report.html")
        assert CliRunner().invoke(main, ["report", str(path), "-o", str(file)]).exit_code == 0
        with visiting(browser, file.as_uri(), offline=True) as (page, seen):
            yield page
    assert seen.errors == []


def open_run(page: Page, run: str) -> None:
    page.get_by_role("button", name=run, exact=True).click()
    expect(page.locator("#steps li").first).to_be_visible()


@pytest.mark.parametrize("run", ["middle", "end"])
def test_a_clock_that_was_set_back_leaves_all_in_its_place(run: str, page: Page) -> None:
    open_run(page, run)

    bars = page.locator("#track div").evaluate_all(
        "bars => bars.map((bar) => [parseFloat(bar.style.left), parseFloat(bar.style.width)])"
    )

    assert all(0 <= left <= left + width <= 100 for left, width in bars)


def test_a_clock_that_was_set_back_takes_no_time(page: Page) -> None:
    open_run(page, "middle")

    titles = [bar.get_attribute("title") or "" for bar in page.locator("#track div").all()]

    assert [title.partition(", ")[2] for title in titles] == ["0 ms", "2 d", "0 ms", "0 ms", ""]
    expect(page.locator("#scale span").last).to_have_text("2 d")


def test_how_long_is_said_in_the_words_of_all_pictures(page: Page) -> None:
    chance = random.Random(6)
    edges = [
        unit * count + by for unit in UNITS for count in (1, 2, 48, 59, 60) for by in (-1, 0, 1)
    ]
    values = [0, *edges, *(int(10 ** chance.uniform(0, 15.4)) for _ in range(5000))]

    said = page.evaluate("values => values.map((micros) => formatDuration(micros / 1000))", values)

    assert said == list(map(format_duration, values))


def test_between_two_moments_is_said_to_the_microsecond(page: Page) -> None:
    values = [1_000_000, 3_000_000, 59_900_000, 60_000_000, 7_200_000_000, 172_800_000_000]

    said = page.evaluate(
        "values => values.map(([from, to]) => formatDuration(to / 1000 - from / 1000))",
        [[BEGAN, BEGAN + micros] for micros in values],
    )

    assert said == list(map(format_duration, values))
