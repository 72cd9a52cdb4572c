"""The live page tells why: what was refused, what would be, what a run waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.errors import LifecycleError
from fsm.journal import Journal
from fsm.testing import HandClock
from fsm.web import Server

from .pages import Seen, expect, opened, serving, state_of, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LATE = "cancel: Running \N{RIGHTWARDS ARROW} Cancelled"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of a run that was refused something, and one of which a result came late."""
    path, clock = tmp_path / "runs.db", HandClock()
    with open_journal(path) as kept:
        run = TaskRun("deploy", journal=kept, clock=clock, max_retries=1)
        run.start()
        clock.advance(seconds=3)
        with suppress(LifecycleError):
            run.resume()
        clock.advance(seconds=3)
        run.pause()
        come_late(kept, clock)
    return path


def come_late(kept: Journal, clock: HandClock) -> None:
    TaskRun("load", journal=kept, clock=clock).start()
    (claim,) = kept.claim(owner="worker-1", run="load", now=clock())
    late = TaskRun.restore("load", claim, clock=clock)
    kept.revoke("load", owner="worker-1", now=clock())
    TaskRun.restore("load", kept, clock=clock).cancel()
    clock.advance(seconds=2)
    with suppress(LifecycleError):
        late.succeed(result=2**60)


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with serving(path) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with visiting(browser, server.url) as (page, seen):
        yield page
        assert seen.violations == []


def open_run(page: Page, run: str) -> None:
    page.get_by_role("button", name=run, exact=True).click()
    expect(page.locator("#status b")).not_to_be_empty()


def refused(page: Page) -> list[str]:
    return page.locator("#buttons button[aria-disabled=true]").all_inner_texts()


def force(page: Page, action: str) -> None:
    page.get_by_role("button", name=action, exact=True).click(force=True)


# What it tells.


def test_what_it_waits_for_stands_near_the_top(page: Page) -> None:
    open_run(page, "deploy")

    expect(page.locator("#status b")).to_have_text("It waits to be resumed.")


def test_what_was_refused_stands_between_the_steps(page: Page) -> None:
    open_run(page, "deploy")
    lines = page.locator("#steps li")

    expect(lines).to_have_count(3)
    expect(page.locator("#steps b")).to_have_text(["start", "pause"])
    expect(lines.nth(1)).to_contain_text("resume refused")
    expect(lines.nth(1)).to_contain_text("00:00:03.000")
    expect(lines.nth(1).locator("p")).to_contain_text("cannot resume from Running")


def test_what_came_late_stands_there_with_what_it_said(page: Page) -> None:
    open_run(page, "load")
    late = page.locator("#steps .late")

    expect(late).to_contain_text("succeed too late")
    expect(late).to_contain_text("by worker-1")
    expect(late.locator("p")).to_have_text(f"kept aside: {LATE}")
    late.locator("summary").click()
    expect(late.locator("pre")).to_contain_text(str(2**60))


def test_a_refusal_is_there_as_soon_as_it_is_said(page: Page) -> None:
    open_run(page, "deploy")

    force(page, "Retry")

    expect(page.locator("#outcome")).to_contain_text("cannot retry from Paused")
    expect(page.locator("#steps .refused")).to_have_count(2)
    expect(page.locator("#steps li").last).to_contain_text("retry refused")
    expect(page.locator("#steps b")).to_have_text(["start", "pause"])


def refuse_elsewhere(path: Path, event: str) -> None:
    with opened(path) as kept, suppress(LifecycleError):
        TaskRun.restore("deploy", kept).trigger(event)


def test_a_refusal_elsewhere_is_news(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    expect(page.locator("#steps .refused")).to_have_count(1)

    refuse_elsewhere(path, "retry")

    expect(page.locator("#steps .refused")).to_have_count(2)


@pytest.mark.parametrize("whole", [False, True])
def test_the_picture_of_a_run_tells_what_was_refused(whole: bool, page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("in the whole lifecycle").set_checked(whole)
    notes = page.locator("#path g.node text", has_text="refused:")
    expect(notes).to_have_text(["refused: resume"])

    refuse_elsewhere(path, "retry")

    for event in ("resume", "retry"):
        expect(notes.filter(has_text=event)).to_have_count(1)


def test_a_picture_that_tells_what_was_refused_knows_its_states(page: Page) -> None:
    open_run(page, "deploy")

    expect(page.locator("#path g.node text")).to_have_text(
        ["Pending", "Running", "refused: resume", "Paused"]
    )


def test_a_step_leaves_the_refusals_where_they_are(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    with opened(path) as kept:
        TaskRun.restore("deploy", kept).cancel()

    expect(page.locator("#steps b")).to_have_text(["start", "pause", "cancel"])
    expect(page.locator("#steps li").nth(1)).to_contain_text("resume refused")


def test_the_story_is_told_in_sentences(page: Page) -> None:
    open_run(page, "deploy")

    page.get_by_label("as a story").check()

    expect(page.locator("#steps")).to_be_hidden()
    expect(page.locator("#policy")).to_contain_text("Policy: ")
    expect(page.locator("#story li p").first).to_have_text("attempt 1 of 2 started")
    expect(page.locator("#story li p").nth(1)).to_contain_text("resume was refused")
    page.get_by_label("as a story").uncheck()
    expect(page.locator("#steps")).to_be_visible()
    expect(page.locator("#story")).to_be_hidden()


def test_another_run_has_another_story(page: Page) -> None:
    open_run(page, "deploy")
    page.get_by_label("as a story").check()

    open_run(page, "load")

    expect(page.locator("#status b")).to_have_text("It has finished.")
    expect(page.locator("#story li p").last).to_contain_text(
        "a late result of worker-1 was kept aside: succeed"
    )


# What would be refused.


def test_what_would_be_refused_looks_like_it(page: Page) -> None:
    open_run(page, "deploy")
    expect(page.locator("#buttons button[aria-disabled]")).to_have_count(1)
    retry = page.get_by_role("button", name="Retry")

    assert refused(page) == ["Retry"]
    retry.hover(force=True)
    expect(page.locator("#refusal")).to_contain_text("cannot retry from Paused")
    assert (retry.get_attribute("title") or "").startswith("cannot retry from Paused")


def test_the_keyboard_hears_why(page: Page) -> None:
    open_run(page, "deploy")
    expect(page.locator("#buttons button[aria-disabled]")).to_have_count(1)
    page.get_by_role("button", name="Resume").focus()

    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Retry")).to_be_focused()
    expect(page.locator("#refusal")).to_contain_text("cannot retry from Paused")
    page.keyboard.press("Tab")
    expect(page.locator("#refusal")).to_be_hidden()


def test_a_reason_moves_nothing(page: Page) -> None:
    open_run(page, "deploy")
    expect(page.locator("#buttons button[aria-disabled]")).to_have_count(1)
    before = page.locator("#steps").bounding_box()

    page.get_by_role("button", name="Retry").hover(force=True)
    expect(page.locator("#refusal")).to_be_visible()

    assert page.locator("#steps").bounding_box() == before


def test_what_would_be_refused_changes_as_the_run_moves(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    expect(page.locator("#buttons button[aria-disabled]")).to_have_text(["Retry"])

    with opened(path) as kept:
        TaskRun.restore("deploy", kept).fail()

    expect(page.locator("#buttons button[aria-disabled]")).to_have_text(
        ["Approve", "Resume", "Cancel"]
    )


def test_to_look_at_a_run_writes_nothing(page: Page, path: Path) -> None:
    with opened(path) as kept:
        before = len(list(kept.refusals()))
    for run in ("deploy", "load"):
        open_run(page, run)

    with opened(path) as kept:
        assert len(list(kept.refusals())) == before


def test_it_is_asked_once_for_each_version_of_a_run(browser: Browser, path: Path) -> None:
    with serving(path) as server, visiting(browser, server.url) as (page, seen):
        open_run(page, "deploy")
        with opened(path) as kept:
            TaskRun("other", journal=kept).start()
        expect(page.locator("#total")).to_have_text("3 runs")
        page.evaluate("showRun()")

        assert sum("/api/why" in url for url in seen.requests) == 1
        assert sum("/api/story" in url for url in seen.requests) == 1


# What is said with it.


@pytest.mark.parametrize("action", ["Resume", "Cancel", "Approve"])
def test_an_action_has_a_reason(action: str, page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("Your name, to approve").fill("Ada")
    page.get_by_label("Reason (optional)").fill("  looks <b>good</b>  ")

    force(page, action)

    expect(page.locator("#outcome")).to_contain_text("deploy: now ")
    expect(page.get_by_label("Reason (optional)")).to_have_value("")
    with opened(path) as kept:
        assert kept.summary("deploy").message == "looks <b>good</b>"


def test_what_is_refused_keeps_the_reason_for_another_try(page: Page, path: Path) -> None:
    open_run(page, "deploy")
    page.get_by_label("Reason (optional)").fill("looks good")

    force(page, "Approve")

    expect(page.locator("#outcome")).to_contain_text("approve() needs the name of a person")
    expect(page.get_by_label("Reason (optional)")).to_have_value("looks good")
    assert state_of(path, "deploy") == "Paused"


def test_a_reason_is_for_one_run(page: Page) -> None:
    open_run(page, "deploy")
    page.get_by_label("Reason (optional)").fill("x" * 999)
    assert page.get_by_label("Reason (optional)").input_value() == "x" * 200

    page.get_by_role("button", name="load", exact=True).click()

    expect(page.get_by_label("Reason (optional)")).to_have_value("")


# The report.


@pytest.fixture
def visit(path: Path, browser: Browser) -> Iterator[tuple[Page, Seen]]:
    file = path.with_name("report.html")
    result = CliRunner().invoke(main, ["report", str(path), "-o", str(file)])
    assert result.exit_code == 0, result.output
    with visiting(browser, file.as_uri(), offline=True) as (page, seen):
        yield page, seen
        assert (seen.requests, seen.errors) == ([file.as_uri()], [])


def test_a_report_tells_the_story_too(visit: tuple[Page, Seen]) -> None:
    page, _ = visit
    open_run(page, "deploy")

    expect(page.locator("#status b")).to_have_text("It waits to be resumed.")
    expect(page.locator("#steps .refused p")).to_contain_text("cannot resume from Running")
    expect(page.locator("#path g.node .note")).to_have_text(["refused: resume"])
    page.get_by_label("as a story").check()
    expect(page.locator("#story li p").nth(1)).to_contain_text("resume was refused")
    open_run(page, "load")
    expect(page.locator("#story li p").last).to_contain_text(
        "a late result of worker-1 was kept aside: succeed"
    )
