"""The live page, as a person uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fsm import Run, TaskRun, event, open_journal
from fsm.web import Server
from states import Finished, Pending, Running

from .pages import Seen, expect, fill, opened, serving, state_of, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Order(Run):
    """Of another kind than the page is told of."""

    start = event(Running, source=Pending)
    finish = event(Finished, source=Running)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[tuple[Page, Seen]]:
    with visiting(browser, server.url) as (page, seen):
        yield page, seen
        assert seen.violations == []


@pytest.fixture
def page(visit: tuple[Page, Seen]) -> Page:
    return visit[0]


def rows(page: Page) -> list[str]:
    return page.locator("#rows button").all_inner_texts()


def open_run(page: Page, run: str) -> None:
    page.get_by_role("button", name=run, exact=True).click()
    expect(page.locator("#id")).to_have_text(run)
    expect(page.locator("#steps li").first).to_be_visible()
    expect(page.locator("#status b")).not_to_be_empty()  # the last that moves what is below it


def act(page: Page, action: str) -> None:
    """Ask for it, also where it is marked as something that would be refused."""
    page.get_by_role("button", name=action, exact=True).dispatch_event("click")


def test_fsm_serve_prints_where_the_page_is(path: Path, browser: Browser) -> None:
    command = [sys.executable, "-m", "fsm", "serve", "--journal", str(path), "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        with visiting(browser, url) as (page, _):
            open_run(page, "deploy")
            page.get_by_label("Your name, to approve").fill("Ada")
            act(page, "Approve")
            expect(page.locator("#outcome")).to_have_text("deploy: now Resume")
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=30)
        assert program.returncode == 0

    with opened(path) as journal:
        assert journal.summary("deploy").message == "Approved by Ada"


def test_the_token_is_not_left_where_others_read_it(page: Page, server: Server) -> None:
    expect(page.locator("#rows tr")).to_have_count(4)

    assert page.url == f"http://127.0.0.1:{server.server_port}/"
    assert server.access.token not in page.content()


def test_the_token_outlives_a_reload(page: Page, path: Path) -> None:
    page.reload()
    open_run(page, "deploy")
    act(page, "Resume")

    expect(page.locator("#outcome")).to_have_text("deploy: now Resume")


def test_a_token_that_is_mistyped_stands_in_nobodys_way(browser: Browser, server: Server) -> None:
    url = server.url.replace(server.access.token, "100%")
    with visiting(browser, url) as (page, seen):
        expect(page.locator("#rows tr")).to_have_count(4)

        assert page.locator("#token").input_value() == "100%"
        assert seen.errors == []


# The list.


def test_a_state_is_chosen_by_its_chip(page: Page) -> None:
    chip = page.locator("#states button", has_text="Failed")

    chip.click()
    expect(page.locator("#rows tr")).to_have_count(1)
    assert (rows(page), chip.get_attribute("aria-pressed")) == (["etl/load"], "true")

    chip.click()
    expect(page.locator("#rows tr")).to_have_count(4)


def test_what_is_searched_for_is_found_as_it_is_typed(page: Page) -> None:
    page.get_by_label("Search by id").press_sequentially("ETL/")
    expect(page.locator("#rows tr")).to_have_count(3)

    page.get_by_label("Search by id").fill("nobody")
    expect(page.locator("#range")).to_have_text("no run matches")
    assert rows(page) == []


def test_a_kind_is_chosen(page: Page, path: Path) -> None:
    with open_journal(path) as kept:
        Order("order-1", journal=kept).start()

    kind = f"{Order.__module__}:Order"
    expect(page.locator("#kind option")).to_have_text(["Any kind", "fsm:TaskRun", kind])
    page.get_by_label("Kind").select_option(kind)

    expect(page.locator("#rows button")).to_have_text(["order-1"])
    expect(page.locator("#states button")).to_have_text(["Running 1"])


def test_the_list_is_paged(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path / "many.db", 120)
    with serving(tmp_path / "many.db") as server, visiting(browser, server.url) as (page, _):
        older, newer = page.get_by_text("older →"), page.get_by_text("← newer")

        expect(page.locator("#range")).to_have_text("1 to 50 of 120")
        expect(newer).to_be_disabled()
        older.click()
        older.click()
        expect(page.locator("#range")).to_have_text("101 to 120 of 120")
        expect(older).to_be_disabled()
        assert rows(page)[-1] == "load/part-00000"
        newer.click()
        expect(page.locator("#range")).to_have_text("51 to 100 of 120")


# One run.


def test_a_run_shows_what_happened(page: Page) -> None:
    open_run(page, "etl/load")
    page.locator("#steps summary").nth(1).click()

    expect(page.locator("#steps b")).to_have_text(["start", "fail"])
    expect(page.locator("#steps pre")).to_contain_text(str(2**60))
    expect(page.locator("#state")).to_have_text("Failed")
    expect(page.locator("#about")).to_contain_text("fsm:TaskRun · began 2020-01-01")


def test_a_run_shows_where_its_time_went(page: Page) -> None:
    open_run(page, "etl/load")

    expect(page.locator("#scale span")).to_have_text(["0", "750 ms", "1.5 s", "2.2 s", "3 s"])
    page.locator("#track div").first.hover()
    expect(page.locator("#pointed")).to_have_text("Running from 2020-01-01 00:00:00.000, 3 s")


def test_a_run_shows_the_way_it_went(page: Page) -> None:
    open_run(page, "etl/load")
    names = page.locator("#path g.node text")

    expect(names).to_have_text(["Pending", "Running", "Failed"])
    page.get_by_label("in the whole lifecycle").check()
    expect(names.filter(has_text="Retrying")).to_have_count(1)


def test_the_keyboard_is_enough(page: Page) -> None:
    expect(page.locator("#rows tr")).to_have_count(4)
    page.locator("#rows button").nth(1).focus()

    page.keyboard.press("Enter")
    expect(page.locator("#id")).to_be_focused()
    expect(page.locator("#rows tr").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")

    expect(page.locator("#run")).to_be_hidden()
    expect(page.locator("#rows button").nth(1)).to_be_focused()


def test_tab_goes_through_the_page_in_its_order(page: Page) -> None:
    open_run(page, "deploy")
    found = []
    for _ in range(6):
        page.keyboard.press("Tab")
        found.append(
            page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent")
        )

    assert found == ["Approve", "Resume", "Retry", "Cancel", "Your name, to approve", "Token"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_whatever_takes_the_focus_has_a_name(page: Page) -> None:
    open_run(page, "deploy")

    assert page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [tabindex='0']")]
            .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.labels?.length))
            .map((each) => each.id)"""
    ) == []  # fmt: skip


# What is done.


@pytest.mark.parametrize(
    ("action", "run", "state"),
    [("Resume", "deploy", "Resume"), ("Retry", "etl/load", "Retrying"),
     ("Cancel", "deploy", "Cancelled"), ("Cancel", "etl/report", "Cancelled")],
)  # fmt: skip
def test_what_a_person_asks_for_is_done(
    action: str, run: str, state: str, page: Page, path: Path
) -> None:
    open_run(page, run)

    act(page, action)

    expect(page.locator("#outcome")).to_have_text(f"{run}: now {state}")
    expect(page.locator("#state")).to_have_text(state)
    expect(page.locator("#rows tr[aria-current] .pill")).to_have_text(state)
    assert state_of(path, run) == state


def test_who_approves_is_kept_with_the_run(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("Your name, to approve").fill("Ada")

    act(page, "Approve")

    expect(page.locator("#state")).to_have_text("Resume")
    with opened(path) as journal:
        assert [*journal.steps("deploy")][-1].dest.context == {"approved_by": "Ada"}


def test_nobody_approves_without_a_name(page: Page, path: Path) -> None:
    open_run(page, "deploy")

    act(page, "Approve")

    expect(page.locator("#outcome")).to_have_text(
        "approve() needs the name of a person in by=, not ''"
    )
    assert state_of(path, "deploy") == "Paused"


@pytest.mark.parametrize(
    ("action", "run", "words"),
    [("Retry", "etl/clean", "cannot retry from Success; "),
     ("Resume", "etl/load", "cannot resume from Failed"),
     ("Retry", "etl/report", "cannot retry from Running; only a failed run can be retried")],
)  # fmt: skip
def test_a_refusal_is_said_in_the_words_of_the_engine(
    action: str, run: str, words: str, page: Page, path: Path
) -> None:
    open_run(page, run)
    before = state_of(path, run)

    act(page, action)

    expect(page.locator("#outcome")).to_contain_text(words)
    assert state_of(path, run) == before


@pytest.mark.parametrize("token", ["", "wrong", "é\u202e"])
def test_without_the_token_nothing_moves(token: str, page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("Token").fill(token)

    act(page, "Cancel")

    expect(page.locator("#outcome")).to_have_text(
        "to act on runs, enter the token that `fsm serve` printed"
    )
    assert state_of(path, "deploy") == "Paused"


def test_enter_in_a_field_does_nothing(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("Your name, to approve").fill("Ada")

    page.get_by_label("Token").press("Enter")
    act(page, "Retry")  # an answer that comes after that of Enter, if there were one

    expect(page.locator("#outcome")).to_contain_text("cannot retry from Paused")
    assert state_of(path, "deploy") == "Paused"


def test_a_run_that_somebody_else_has_moved_says_so(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    with open_journal(path) as kept:
        TaskRun.restore("deploy", kept).cancel()

    act(page, "Resume")

    expect(page.locator("#outcome")).to_contain_text("cannot resume from Cancelled")
    expect(page.locator("#state")).to_have_text("Cancelled")


# Pictures.


def test_the_lifecycle_is_lit_by_how_many_runs_are_where(page: Page, path: Path) -> None:
    page.get_by_role("button", name="Lifecycle").click()
    lit = page.locator("#diagram text[data-count]")
    expect(lit).to_have_text(["1", "1", "1", "1"])

    with open_journal(path) as kept:
        TaskRun("more", journal=kept).pause()

    expect(page.locator('#diagram [data-state="Paused"] text[data-count]')).to_have_text("2")


def test_a_state_is_chosen_in_the_lifecycle(page: Page) -> None:
    page.get_by_role("button", name="Lifecycle").click()
    page.locator('#diagram [data-state="Paused"]').click()
    page.get_by_role("button", name="List").click()

    expect(page.locator("#rows button")).to_have_text(["deploy"])


def test_a_kind_that_nobody_named_is_drawn_as_it_is_recorded(page: Page, path: Path) -> None:
    with open_journal(path) as kept:
        Order("order-1", journal=kept).start()
    kind = f"{Order.__module__}:Order"
    expect(page.locator("#kind option")).to_have_count(3)

    page.get_by_label("Kind").select_option(kind)
    page.get_by_role("button", name="Lifecycle").click()

    expect(page.locator("#table")).to_contain_text(f"As recorded for {kind}")
    expect(page.locator("#diagram [data-state]")).to_have_count(3)


def test_the_class_that_was_named_is_drawn(path: Path, browser: Browser) -> None:
    with open_journal(path) as kept:
        Order("order-1", journal=kept).start()
    with serving(path, TaskRun, Order) as server, visiting(browser, server.url) as (page, _):
        page.get_by_label("Kind").select_option(f"{Order.__module__}:Order")
        page.get_by_role("button", name="Lifecycle").click()

        expect(page.locator("#table")).to_have_text("Order")


def test_the_runs_of_the_list_are_drawn_over_time(page: Page) -> None:
    page.get_by_role("button", name="Timeline").click()
    expect(page.locator("#chart g > title")).to_have_count(4)

    page.locator("#states button", has_text="Paused").click()
    expect(page.locator("#chart g > title")).to_have_count(1)


def test_a_run_is_opened_by_its_bar(page: Page, path: Path) -> None:
    with opened(path) as kept:
        TaskRun("deploy: Paused", journal=kept).start()
    page.get_by_role("button", name="Timeline").click()
    for id in ("deploy", "deploy: Paused"):
        bar = page.locator(f'#chart [data-run="{id}"] text').first

        bar.click()

        expect(page.locator("#id")).to_have_text(id)
    expect(page.locator("#chart [data-run]")).to_have_count(5)


def test_many_runs_over_time_are_grouped(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path / "many.db", 120)
    with serving(tmp_path / "many.db") as server, visiting(browser, server.url) as (page, _):
        page.get_by_role("button", name="Timeline").click()
        expect(page.locator("#chart g > title")).to_have_count(50)

        page.get_by_label("all that match").check()

        expect(page.locator("#chart g > title")).to_have_count(1)
        expect(page.locator("#chart")).to_contain_text("120 runs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_it_fits_the_window(scheme: str, width: int, server: Server, browser: Browser) -> None:
    window = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with visiting(browser, server.url, **window) as (page, seen):
        for view in ("List", "Timeline", "Lifecycle"):
            page.get_by_role("button", name=view, exact=True).click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("button", name="List", exact=True).click()
        open_run(page, "etl/load")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator("#id")).to_be_in_viewport()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
        assert dark is (scheme == "dark")
        assert seen.errors == []
