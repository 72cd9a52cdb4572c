"""The lifecycle as heat, on the live page and in the report; and kinds whose names never end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fsm import Run, TaskRun, event, open_journal
from fsm.testing import HandClock
from fsm.web import Server, report
from states import Finished, Pending, Running

from .pages import a_few, expect, opened, serving, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TIMES = "\N{MULTIPLICATION SIGN}"


class Order(Run):
    """Of another kind than the page is told of."""

    start = event(Running, source=Pending)
    finish = event(Finished, source=Running)


ORDER = f"{Order.__module__}:Order"


def order(path: Path) -> None:
    clock = HandClock()
    with open_journal(path) as kept:
        run = Order("order-1", journal=kept, clock=clock)
        run.start()
        clock.advance(seconds=90)
        run.finish()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    a_few(path)
    order(path)
    return path


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with serving(path) as server:
        server.heat._rest = 0.0
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with visiting(browser, server.url, viewport={"width": 400, "height": 800}) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(5)
        yield page
        assert seen.violations == []


def look(page: Page) -> None:
    page.get_by_role("button", name="Lifecycle").click()
    expect(page.locator("#diagram g.node").first).to_be_attached()


def test_states_say_how_long_a_stay_lasts(page: Page) -> None:
    look(page)
    running = page.locator('#diagram [data-state="Running"]')

    expect(running.locator("g.note text")).to_have_text("31.6 s each")
    expect(running.locator("text[data-count]")).to_have_text("1")
    expect(page.locator("#diagram")).to_contain_text(f"start (4{TIMES})")


def test_the_table_itself_is_there_for_who_asks(page: Page) -> None:
    look(page)

    page.get_by_label("how long runs stay").uncheck()

    expect(page.locator("#diagram")).not_to_contain_text(TIMES)
    expect(page.locator("#diagram")).to_contain_text("succeed \N{RIGHTWARDS ARROW} Success")
    expect(page.locator("#diagram text[data-count]")).to_have_text(["1", "1", "1", "1", "1"])
    page.get_by_label("how long runs stay").check()
    expect(page.locator("#diagram")).to_contain_text(f"start (4{TIMES})")


def test_a_kind_that_nobody_named_has_its_traffic(page: Page) -> None:
    page.get_by_label("Kind").select_option(ORDER)
    look(page)

    expect(page.locator("#table")).to_contain_text(f"As recorded for {ORDER}")
    expect(page.locator("#diagram")).to_contain_text("1 min 30 s each")
    expect(page.locator("#diagram")).to_contain_text(f"finish (1{TIMES})")


def test_counts_live_on_while_the_picture_rests(page: Page, path: Path) -> None:
    look(page)
    page.evaluate("window.before = at('diagram').shadowRoot.querySelector('svg')")
    heats = "performance.getEntriesByType('resource').filter((e) => e.name.includes('heat')).length"

    with opened(path) as kept:
        TaskRun("more", journal=kept).pause()

    expect(page.locator('#diagram [data-state="Paused"] text[data-count]')).to_have_text("2")
    page.evaluate("showRuns()")
    assert page.evaluate("window.before === at('diagram').shadowRoot.querySelector('svg')")
    assert page.evaluate(heats) == 1


def test_a_picture_follows_and_stays_where_it_was(page: Page, path: Path) -> None:
    look(page)
    page.evaluate("at('diagram').scrollLeft = 120; scrollTo(0, 150)")
    where = page.evaluate("[at('diagram').scrollLeft, scrollY]")

    with opened(path) as kept:
        TaskRun("more", journal=kept).start()
    expect(page.locator("#total")).to_have_text("6 runs")
    page.evaluate(
        "shownLifecycle.drawn = 0; clearTimeout(later); later = null; showRuns()"
    )  # it has rested

    expect(page.locator("#diagram")).to_contain_text(f"start (5{TIMES})")
    assert page.evaluate("[at('diagram').scrollLeft, scrollY]") == where == [120, 150]


def test_what_has_rested_follows_by_itself(page: Page, path: Path) -> None:
    look(page)

    with opened(path) as kept:
        TaskRun("more", journal=kept).start()

    expect(page.locator("#diagram")).to_contain_text(f"start (5{TIMES})")
    expect(page.locator('#diagram [data-state="Running"] text[data-count]')).to_have_text("2")


def test_an_unchanged_journal_is_counted_once(path: Path, browser: Browser) -> None:
    with serving(path) as server, visiting(browser, server.url) as (page, seen):
        look(page)
        page.evaluate("showRuns()")
        page.evaluate("showRuns()")

        assert sum("/api/heat" in url for url in seen.requests) == 1


def test_a_report_has_the_heat_of_each_kind(path: Path, browser: Browser) -> None:
    file = path.with_name("report.html")
    with closing(open_journal(path)) as kept:
        file.write_text(report(kept, TaskRun), encoding="utf-8")
    with visiting(browser, file.as_uri(), offline=True) as (page, seen):
        look(page)
        expect(page.locator("#diagram")).to_contain_text("31.6 s each")
        expect(page.get_by_label("how long runs stay")).to_be_hidden()
        page.get_by_label("Kind").select_option(ORDER)
        expect(page.locator("#diagram")).to_contain_text("1 min 30 s each")
        assert seen.errors == []


# Long names, and many.


def spoil(path: Path, kinds: int, name: str) -> None:
    """Let there be runs of many kinds, as only another program would write them."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rules = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        for (rule,) in connection.execute(rules).fetchall():
            connection.execute(f"DROP TRIGGER {rule}")
        for place in range(kinds):
            given = {"run": f"spoilt {place}", "name": f"{name} {place}"}
            connection.execute(_RUN, given)
            connection.execute(_STEP, given)
            connection.execute(_EDGE, given)


_RUN = """
INSERT INTO runs (id, kind, state, phase, version, began, moved)
SELECT :run, :name, :name, phase, 1, began + 1, moved FROM runs WHERE id = 'deploy'
"""
_STEP = """
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase)
SELECT :run, 1, :name, :name, :name, micros, payload, origin, phase
FROM steps WHERE run = 'deploy' AND seq = 1
"""
_EDGE = "INSERT INTO edges (kind, source, event, dest) VALUES (:name, :name, :name, :name)"


def test_a_kind_and_a_state_with_the_longest_names_are_chosen(path: Path, browser: Browser) -> None:
    spoil(path, 2, "shop:" + "x" * 190)
    with serving(path) as server, visiting(browser, server.url) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(7)
        kinds = page.locator("#kind option").all_inner_texts()
        long = next(kind for kind in kinds if kind.startswith("shop:xxx"))

        page.get_by_label("Kind").select_option(long)
        expect(page.locator("#rows tr")).to_have_count(1)
        page.locator("#states button").first.click()
        expect(page.locator("#rows tr")).to_have_count(1)
        page.locator("#rows button").first.click()
        expect(page.locator("#status b")).not_to_be_empty()
        page.get_by_role("button", name="Lifecycle").click()
        expect(page.locator("#table")).to_contain_text("As recorded for shop:xxx")
        expect(page.locator("#diagram text[data-count]")).to_have_text(["1"])

        assert max(map(len, kinds)) <= 200
        assert max(map(len, seen.requests)) < 2000
        assert len(page.content()) < 100_000
        assert seen.errors == []


def test_very_many_kinds_are_summed_up(path: Path, browser: Browser) -> None:
    spoil(path, 300, "shop:Order")
    with serving(path) as server, visiting(browser, server.url) as (page, _):
        expect(page.locator("#unnamed")).to_have_text("and 100 other states, and 102 other kinds")

        assert page.locator("#kind option").count() == 201
