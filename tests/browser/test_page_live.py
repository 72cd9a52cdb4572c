"""The live page, while runs move, journals disappear and servers end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fsm import TaskRun, open_journal
from fsm.web import Server, Watch, handler

from .pages import Seen, expect, fill, opened, serving, state_of, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

ELSEWHERE = """
import sys
from fsm import TaskRun, open_journal
with open_journal(sys.argv[1]) as kept:
    TaskRun.restore("etl/report", kept).succeed(result=1)
"""


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[tuple[Page, Seen]]:
    with visiting(browser, server.url) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(4)
        yield page, seen


@pytest.fixture
def page(visit: tuple[Page, Seen]) -> Page:
    return visit[0]


def begin(path: Path, *runs: str) -> None:
    with opened(path) as kept:
        for run in runs:
            TaskRun(run, journal=kept).start()


def open_run(page: Page, run: str) -> None:
    page.get_by_role("button", name=run, exact=True).click()
    expect(page.locator("#steps li").first).to_be_visible()


def test_what_another_process_does_is_seen(page: Page, path: Path) -> None:
    open_run(page, "etl/report")

    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path)], check=True, timeout=60)

    expect(page.locator("#state")).to_have_text("Success")
    expect(page.locator("#rows tr[aria-current] .pill")).to_have_text("Success")
    expect(page.locator("#steps b")).to_have_text(["start", "succeed"])
    expect(page.locator("#path g.node text")).to_have_text(["Pending", "Running", "Success"])


def test_a_change_is_seen_within_a_second_or_so(path: Path, browser: Browser) -> None:
    with serving(path, period=1.0) as server, visiting(browser, server.url) as (page, _):
        expect(page.locator("#rows tr")).to_have_count(4)

        begin(path, "new")

        expect(page.locator("#rows tr")).to_have_count(5, timeout=3000)


def test_an_update_leaves_the_reader_alone(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    fill(path, 60)
    window = {"viewport": {"width": 1200, "height": 300}}
    with serving(path) as server, visiting(browser, server.url, **window) as (page, _):
        open_run(page, "load/part-00057")
        page.locator("#steps summary").nth(1).click()
        page.get_by_label("Search by id").fill("part-")
        expect(page.locator("#range")).to_have_text("1 to 50 of 60")
        page.locator("#rows button").nth(40).focus()
        page.locator("#steps pre").evaluate("each => getSelection().selectAllChildren(each)")
        page.evaluate("scrollTo(0, 700); window.before = document.activeElement")
        where = page.locator("#rows button").nth(40).bounding_box()
        chosen = page.evaluate("getSelection().toString()")

        begin(path, "load/part-new")
        with opened(path) as kept:
            TaskRun.restore("load/part-00057", kept).retry()
        expect(page.locator("#range")).to_have_text("1 to 50 of 61")
        expect(page.locator("#steps li")).to_have_count(3)

        assert page.evaluate("document.activeElement === window.before")
        assert page.evaluate("getSelection().toString()") == chosen != ""
        assert page.locator("#steps details[open] pre").count() == 1
        assert page.get_by_label("Search by id").input_value() == "part-"
        now = page.locator("#rows button").nth(41).bounding_box()
        assert where is not None
        assert now is not None
        assert abs(now["y"] - where["y"]) < 2  # the same run is where it was on the screen


def test_a_row_that_is_the_same_is_not_touched(page: Page, path: Path) -> None:
    page.evaluate(
        """() => {
            window.touched = 0;
            new MutationObserver((all) => { window.touched += all.length; })
                .observe(at("rows"), { childList: true, subtree: true, characterData: true });
        }"""
    )

    begin(path, "new")
    expect(page.locator("#rows tr")).to_have_count(5)

    assert page.evaluate("window.touched") == 1


def test_a_journal_that_disappears_is_waited_for(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    away = path.with_name("away.db")

    path.rename(away)
    expect(page.locator("#trouble")).to_contain_text("no journal is at")
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#steps li")).to_have_count(1)
    expect(page.locator("#pulse")).to_have_text("waiting")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("no journal is at")
    assert not path.exists()

    away.rename(path)
    begin(path, "new")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#pulse")).to_have_text("live")
    assert state_of(path, "deploy") == "Paused"


def test_another_journal_in_its_place_is_shown(page: Page, path: Path) -> None:
    open_run(page, "etl/load")

    path.rename(path.with_name("old.db"))
    with open_journal(path) as other:
        TaskRun("etl/load", journal=other).start()

    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#steps b")).to_have_text(["start"])


def test_an_action_waits_for_the_journal_once(page: Page, path: Path) -> None:
    open_run(page, "etl/load")
    other = sqlite3.connect(path, isolation_level=None)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")

        page.get_by_role("button", name="Retry", exact=True).dblclick()

        expect(page.locator("#outcome")).to_have_text("retry: waiting for the journal …")
        other.execute("ROLLBACK")
    expect(page.locator("#outcome")).to_have_text("etl/load: now Retrying")
    expect(page.locator("#steps b")).to_have_text(["start", "fail", "retry"])


def test_a_run_that_is_not_in_it_is_not_shown_as_live(page: Page, path: Path) -> None:
    open_run(page, "etl/load")

    path.rename(path.with_name("old.db"))
    with open_journal(path) as other:
        TaskRun("other", journal=other).start()

    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#trouble")).to_contain_text("out of date: no run 'etl/load' in")
    expect(page.locator("#pulse")).to_have_text("waiting")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_list_that_cannot_be_had_is_not_shown_as_live(page: Page, path: Path) -> None:
    page.route("**/api/runs?*", lambda route: route.fulfill(status=500, json={"error": "a fault"}))

    begin(path, "new")
    expect(page.locator("#trouble")).to_contain_text("out of date: a fault")

    page.unroute("**/api/runs?*")
    begin(path, "newer")
    expect(page.locator("#rows tr")).to_have_count(6)
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_that_has_not_looked_yet_says_nothing_of_runs(
    path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, run = threading.Event(), Watch.run
    monkeypatch.setattr(Watch, "run", lambda watch: looks.wait() and run(watch))
    with serving(path) as server, visiting(browser, "about:blank") as (page, _):
        with page.expect_response("**/api/overview?"):
            page.goto(server.url)
        page.evaluate("source.overview()")  # after which the page has heard what it asked for
        assert page.locator("#total").text_content() == ""

        looks.set()

        expect(page.locator("#rows tr")).to_have_count(4)


def test_a_server_that_says_nothing_is_not_shown_as_live(
    path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = threading.Event()
    monkeypatch.setattr(Watch, "stuck", property(lambda _: not beats.is_set()))
    monkeypatch.setattr(handler, "_BEAT", 0.0)
    with serving(path) as server, visiting(browser, "about:blank") as (page, _):
        page.clock.install()
        page.goto(server.url)
        expect(page.locator("#rows tr")).to_have_count(4)
        expect(page.locator("#pulse")).to_have_text("live")

        page.clock.fast_forward(20_000)
        expect(page.locator("#trouble")).to_contain_text("The server does not answer")

        beats.set()
        expect(page.locator("#trouble")).to_be_hidden()
        expect(page.locator("#pulse")).to_have_text("live")


def test_a_server_that_ends_is_waited_for(path: Path, browser: Browser) -> None:
    with serving(path) as server:
        port, url = server.server_port, server.url
        visit = visiting(browser, url)
        page, _ = visit.__enter__()
        expect(page.locator("#rows tr")).to_have_count(4)
    try:
        expect(page.locator("#trouble")).to_contain_text("The server does not answer")
        page.locator("#rows button", has_text="deploy").click()
        expect(page.locator("#outcome")).to_have_text("the server does not answer")
        begin(path, "new")

        with serving(path, port=port) as again:
            expect(page.locator("#rows tr")).to_have_count(5, timeout=15_000)
            expect(page.locator("#trouble")).to_be_hidden()
            expect(page.locator("#steps b")).to_have_text(["pause"])
            expect(page.locator("#outcome")).to_have_text("")
            page.get_by_role("button", name="Resume", exact=True).click()
            expect(page.locator("#outcome")).to_contain_text("enter the token")
            page.goto(f"{page.url}#{again.access.token}")  # which loads nothing
            page.get_by_role("button", name="Resume", exact=True).click()
            expect(page.locator("#outcome")).to_have_text("deploy: now Resume")
    finally:
        visit.__exit__(None, None, None)


def test_a_server_that_has_no_room_is_asked_again(server: Server, browser: Browser) -> None:
    server.listeners = threading.Semaphore(0)
    with visiting(browser, server.url) as (page, _):
        expect(page.locator("#trouble")).to_contain_text("The server does not answer")

        server.listeners.release()

        expect(page.locator("#rows tr")).to_have_count(4)
        expect(page.locator("#trouble")).to_be_hidden()


def test_a_page_that_nobody_sees_listens_to_nothing(page: Page, path: Path) -> None:
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { get: () => window.hidden });
            window.hidden = true;
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    assert page.evaluate("events === null")
    begin(path, "new")

    page.evaluate("window.hidden = false; document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("#rows tr")).to_have_count(5)


# Many pages.


@pytest.fixture
def pages(server: Server, browser: Browser) -> Iterator[list[Page]]:
    """More pages, all of them seen, than a browser makes connections to a server."""
    with closing(browser.new_context()) as within:
        pages = [within.new_page() for _ in range(8)]
        for page in pages:
            page.goto(server.url)
            expect(page.locator("#rows tr")).to_have_count(4)
        yield pages


def test_each_of_many_pages_is_told(pages: list[Page], path: Path) -> None:
    begin(path, "new")

    for page in pages:
        expect(page.locator("#rows tr")).to_have_count(5)
        expect(page.locator("#pulse")).to_have_text("live")


def test_many_pages_take_one_place_of_the_server(pages: list[Page]) -> None:
    assert sum(page.evaluate("events !== null") for page in pages) == 1


def test_another_page_listens_when_one_has_gone(pages: list[Page], path: Path) -> None:
    while len(pages) > 1:
        listening = next(page for page in pages if page.evaluate("events !== null"))
        pages.remove(listening)
        listening.close()
        begin(path, f"new {len(pages)}")

        for page in pages:
            expect(page.locator("#rows tr")).to_have_count(12 - len(pages))


def test_each_of_many_pages_says_when_the_journal_is_away(pages: list[Page], path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    for page in pages:
        expect(page.locator("#trouble")).to_contain_text("The journal cannot be read now")

    path.with_suffix(".away").rename(path)

    for page in pages:
        expect(page.locator("#trouble")).to_be_hidden()


def test_each_of_many_pages_says_when_the_server_is_away(pages: list[Page], server: Server) -> None:
    server.shutdown()
    server.server_close()

    for page in pages:
        expect(page.locator("#trouble")).to_contain_text("The server does not answer")


# Many runs.


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "many.db"
    fill(path, 10_000)
    return path


def test_ten_thousand_runs_are_fifty_rows(many: Path, browser: Browser) -> None:
    with serving(many) as server, visiting(browser, server.url) as (page, seen):
        expect(page.locator("#range")).to_have_text("1 to 50 of 10,000")
        expect(page.locator("#rows tr")).to_have_count(50)
        page.get_by_label("Search by id").fill("part-099")
        expect(page.locator("#range")).to_have_text("1 to 50 of 100")
        expect(page.locator("#rows button").first).to_have_text("load/part-09999")

        assert page.evaluate("document.querySelectorAll('*').length") < 1000
        assert [
            url for url in seen.requests if not url.startswith(server.url.partition("#")[0])
        ] == []


def test_what_is_asked_while_an_answer_is_awaited_is_asked_once(
    many: Path, browser: Browser
) -> None:
    with serving(many) as server, visiting(browser, server.url) as (page, _):
        expect(page.locator("#rows tr")).to_have_count(50)
        held: list[Route] = []

        def hold(route: Route) -> None:
            if held:
                route.continue_()
            held.append(route)

        page.route("**/api/runs*", hold)
        with page.expect_request("**/api/runs*"):
            page.get_by_label("Search by id").press_sequentially("part-0123")
        expect(page.get_by_label("Search by id")).to_have_value("part-0123")
        before = len(held)
        held[0].continue_()

        expect(page.locator("#range")).to_have_text("1 to 10 of 10")
        assert (before, len(held)) == (1, 2)


def test_an_unchanged_journal_is_asked_for_nothing(many: Path, browser: Browser) -> None:
    with serving(many, period=0.01) as server, visiting(browser, server.url) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(50)
        open_run(page, "load/part-09999")
        page.locator("#path g.node").first.wait_for()
        before = len(seen.requests)
        version = server.watch.snapshot.version

        server.watch.look()
        server.watch.look()
        page.evaluate(
            "new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))"
        )

        assert (server.watch.snapshot.version, len(seen.requests)) == (version, before)
