"""Where the reader is on the page: in its address, to go back to, to reload and to send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fsm import TaskRun, open_journal
from fsm.web import Server, report

from .pages import Seen, expect, fill, opened, serving, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STRANGE = "a/b c?d=e&f#g%41+\u00e9\u4e16'\"<b>"


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[tuple[Page, Seen]]:
    with visiting(browser, server.url) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(4)
        yield page, seen
        assert seen.errors == []


@pytest.fixture
def page(visit: tuple[Page, Seen]) -> Page:
    return visit[0]


def open_run(page: Page, run: str) -> None:
    page.get_by_role("button", name=run, exact=True).click()
    expect(page.locator("#steps li").first).to_be_visible()


def test_a_reload_shows_the_same(page: Page) -> None:
    page.get_by_label("Search by id").fill("etl")
    page.locator("#states button", has_text="Failed").click()
    open_run(page, "etl/load")
    page.get_by_role("button", name="Timeline").click()

    page.reload()

    expect(page.locator("#id")).to_have_text("etl/load")
    expect(page.locator("#steps b")).to_have_text(["start", "fail"])
    expect(page.locator("#chart svg")).to_be_visible()
    expect(page.get_by_label("Search by id")).to_have_value("etl")
    expect(page.locator("#states [aria-pressed=true]")).to_have_text("Failed 1")
    page.get_by_role("button", name="List").click()
    expect(page.locator("#rows tr")).to_have_count(1)


def test_one_goes_back_step_by_step(page: Page) -> None:
    page.locator("#states button", has_text="Failed").click()
    open_run(page, "etl/load")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Lifecycle").click()

    page.go_back()
    expect(page.locator("#list")).to_be_visible()
    expect(page.locator("#run")).to_be_hidden()
    page.go_back()
    expect(page.locator("#id")).to_have_text("etl/load")
    page.go_back()
    expect(page.locator("#run")).to_be_hidden()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(4)
    page.go_forward()
    expect(page.locator("#rows tr")).to_have_count(1)


def test_what_is_typed_is_one_step_back(page: Page) -> None:
    before = page.evaluate("history.length")

    page.get_by_label("Search by id").press_sequentially("etl/l")

    expect(page.locator("#rows tr")).to_have_count(1)
    assert page.evaluate("history.length") == before


def test_an_update_goes_nowhere(page: Page, path: Path) -> None:
    open_run(page, "etl/load")
    before = page.evaluate("history.length"), page.url

    with opened(path) as kept:
        TaskRun.restore("etl/load", kept).retry()

    expect(page.locator("#steps li")).to_have_count(3)
    assert (page.evaluate("history.length"), page.url) == before


def test_a_run_of_any_name_has_an_address(page: Page, path: Path, server: Server) -> None:
    with opened(path) as kept:
        TaskRun(STRANGE, journal=kept).pause()
    open_run(page, STRANGE)

    page.reload()

    expect(page.locator("#id")).to_have_text(STRANGE)
    expect(page.locator("#steps b")).to_have_text(["pause"])
    page.goto(f"http://127.0.0.1:{server.server_port}/?run={quote(STRANGE)}")
    expect(page.locator("#steps b")).to_have_text(["pause"])
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#outcome")).to_have_text(f"{STRANGE}: now Cancelled")


def test_the_token_is_in_no_address(page: Page, server: Server) -> None:
    open_run(page, "etl/load")
    page.goto(f"{page.url}#{server.access.token}")

    expect(page.locator("#id")).to_have_text("etl/load")
    expect(page.locator("#steps b")).to_have_text(["start", "fail"])
    assert server.access.token not in page.url
    assert page.get_by_label("Token").input_value() == server.access.token


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?run=nobody", "no run 'nobody' in"),
        ("?run=%00", "no run "),
        ("?run=%ff%ed%a0%80", "no run "),
        (f"?run={quote('<img src=x onerror=alert(1)>')}", "no run '<img"),
    ],
)
def test_an_address_of_nobody_says_so(
    query: str, said: str, server: Server, browser: Browser
) -> None:
    address = f"http://127.0.0.1:{server.server_port}/{query}"
    with visiting(browser, address) as (page, seen):
        expect(page.locator("#outcome")).to_contain_text(said)
        expect(page.locator("#rows tr")).to_have_count(4)
        assert seen.dialogs == []


def test_an_address_that_asks_for_nothing_there_is_can_be_left(
    server: Server, browser: Browser
) -> None:
    given = "?state=Dreaming&kind=no:Such&view=orbit&offset=-1e9&toString=1"
    with visiting(browser, f"http://127.0.0.1:{server.server_port}/{given}") as (page, seen):
        expect(page.locator("#range")).to_have_text("no run matches")

        page.locator("#states button", has_text="Dreaming").click()
        page.get_by_label("Kind").select_option("")

        expect(page.locator("#rows tr")).to_have_count(4)
        assert seen.errors == []


def test_an_address_beyond_the_last_page_leads_back(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    fill(path, 60)
    with serving(path) as server:
        address = f"http://127.0.0.1:{server.server_port}/?offset=100"
        with visiting(browser, address) as (page, _):
            expect(page.locator("#range")).to_have_text("none of 60 are here")

            page.get_by_role("button", name="newer").click()

            expect(page.locator("#range")).to_have_text("51 to 60 of 60")


def test_a_journal_without_runs_says_so(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    open_journal(path).close()

    with serving(path) as server, visiting(browser, server.url) as (page, _):
        expect(page.locator("#range")).to_have_text("no runs yet")
        expect(page.locator("#total")).to_have_text("0 runs")


def test_a_report_has_addresses_too(browser: Browser, path: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    with opened(path) as kept:
        file.write_text(report(kept, TaskRun), encoding="utf-8")
    with visiting(browser, file.as_uri()) as (page, seen):
        open_run(page, "etl/load")

        page.reload()

        expect(page.locator("#id")).to_have_text("etl/load")
        page.go_back()
        expect(page.locator("#run")).to_be_hidden()
        assert seen.errors == []
