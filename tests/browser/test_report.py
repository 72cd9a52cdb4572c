"""The report: the page as one file, from wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fsm.cli import main

from .pages import Seen, a_few, expect, fill, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


def write(path: Path) -> Path:
    file = path.with_name("report.html")
    result = CliRunner().invoke(main, ["report", str(path), "-o", str(file)])
    assert result.exit_code == 0, result.output
    return file


@pytest.fixture
def visit(tmp_path: Path, browser: Browser) -> Iterator[tuple[Page, Seen]]:
    a_few(tmp_path / "runs.db")
    file = write(tmp_path / "runs.db")
    with visiting(browser, file.as_uri(), offline=True) as (page, seen):
        yield page, seen
        assert (seen.requests, seen.errors) == ([file.as_uri()], [])


@pytest.fixture
def page(visit: tuple[Page, Seen]) -> Page:
    return visit[0]


def test_it_shows_the_runs(page: Page) -> None:
    expect(page.locator("#rows button")).to_have_text(
        ["etl/report", "etl/clean", "deploy", "etl/load"]
    )
    expect(page.locator("#total")).to_have_text("4 runs")
    expect(page.locator("#pulse")).to_have_text("report")


def test_its_runs_are_filtered(page: Page) -> None:
    page.get_by_label("Search by id").fill("ETL/")
    expect(page.locator("#rows tr")).to_have_count(3)

    page.locator("#states button", has_text="Failed").click()
    expect(page.locator("#rows button")).to_have_text(["etl/load"])


def test_a_run_shows_what_happened(page: Page) -> None:
    page.get_by_role("button", name="etl/load", exact=True).click()

    expect(page.locator("#steps b")).to_have_text(["start", "fail"])
    expect(page.locator("#path g.node text")).to_have_text(["Pending", "Running", "Failed"])
    expect(page.locator("#scale span").last).to_have_text("3 s")
    page.locator("#steps summary").last.click()
    expect(page.locator("#steps pre")).to_contain_text(str(2**60))


def test_nothing_can_be_done_to_a_run(page: Page) -> None:
    page.get_by_role("button", name="deploy", exact=True).click()
    expect(page.locator("#steps b")).to_have_text(["pause"])

    expect(page.locator("#actions")).to_be_hidden()


def test_it_has_the_lifecycle_with_its_lights(page: Page) -> None:
    page.get_by_role("button", name="Lifecycle").click()

    expect(page.locator("#diagram text[data-count]")).to_have_text(["1", "1", "1", "1"])


def test_it_has_its_runs_over_time(page: Page) -> None:
    page.get_by_role("button", name="Timeline").click()

    expect(page.locator("#chart g > title")).to_have_count(4)
    page.locator("#chart [data-run=deploy] text").first.click()
    expect(page.locator("#id")).to_have_text("deploy")


def test_what_does_not_choose_the_runs_over_time_says_so(page: Page) -> None:
    page.get_by_label("Search by id").fill("deploy")

    page.get_by_role("button", name="Timeline").click()

    expect(page.get_by_label("Search by id")).to_be_disabled()
    expect(page.get_by_label("Kind")).to_be_disabled()
    expect(page.locator("#unasked")).to_contain_text("do not apply")
    expect(page.locator("#pager")).to_be_hidden()
    page.get_by_role("button", name="List", exact=True).click()
    expect(page.get_by_label("Search by id")).to_be_enabled()
    expect(page.locator("#rows button")).to_have_text(["deploy"])


def test_ten_thousand_runs_are_fifty_rows(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path / "many.db", 10_000)
    file = write(tmp_path / "many.db")

    with visiting(browser, file.as_uri(), offline=True) as (page, seen):
        expect(page.locator("#range")).to_have_text("1 to 50 of 10,000")
        page.get_by_label("Search by id").fill("part-0999")
        expect(page.locator("#range")).to_have_text("1 to 10 of 10")
        page.get_by_role("button", name="load/part-09997").click()
        expect(page.locator("#path g.node text")).to_have_text(["Pending", "Running", "Failed"])
        page.get_by_label("Search by id").fill("part-00007")
        page.get_by_role("button", name="load/part-00007").click()
        expect(page.locator("#outcome")).to_have_text(
            "this report does not contain the history of that run"
        )

        assert page.locator("#rows tr").count() == 1
        assert seen.errors == []
    assert file.stat().st_size < 8_000_000
