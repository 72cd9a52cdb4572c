"""The live page, when every text in a journal was written by an enemy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fsm import TaskRun
from fsm.web import report

from .pages import HOSTILE, Seen, expect, hostile, opened, serving, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OURS = {
    "html", "head", "meta", "title", "link", "style", "script", "body", "header", "h1", "h2", "h3",
    "span", "p", "div", "nav", "main", "section", "form", "input", "select", "option", "button",
    "label", "table", "thead", "tbody", "tr", "th", "td", "ol", "li", "details", "summary", "pre",
    "b", "svg", "g", "path", "rect", "text", "tspan", "polygon", "polyline", "circle", "ellipse",
    "line",
}  # fmt: skip
EVERYTHING = """() => {
    const found = [];
    const look = (root) => {
        for (const each of root.querySelectorAll("*")) {
            const marks = [...each.attributes].map((mark) => [mark.name, mark.value]);
            found.push([each.localName, marks]);
            if (each.shadowRoot) look(each.shadowRoot);
        }
    };
    look(document);
    return found;
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "runs.db"
    hostile(path)
    return path


@pytest.fixture(scope="module")
def written(path: Path) -> Path:
    file = path.with_name("report.html")
    with opened(path) as journal:
        file.write_text(report(journal, TaskRun), encoding="utf-8")
    return file


@pytest.fixture(params=["live", "report"])
def visit(
    request: pytest.FixtureRequest, path: Path, browser: Browser
) -> Iterator[tuple[Page, Seen]]:
    """The page, live and as a file."""
    if request.param == "live":
        with serving(path) as server, visiting(browser, server.url) as visit:
            yield visit
    else:
        written = request.getfixturevalue("written")
        with visiting(browser, written.as_uri()) as visit:
            yield visit


def check(page: Page, seen: Seen) -> None:
    """Nothing of theirs became anything but text."""
    found = page.evaluate(EVERYTHING)
    assert page.evaluate("window.__hit") is None
    assert (seen.dialogs, seen.errors) == ([], [])
    assert {name for name, _ in found} <= OURS
    marks = [mark for _, marks in found for mark in marks]
    assert [name for name, _ in marks if name.startswith("on")] == []
    links = {value for name, value in marks if name in ("href", "src", "xlink:href", "action")}
    assert links <= {"data:,", "/page.css", "/page.js"}
    assert page.title() == "fsm: runs"


def test_the_list_shows_it_as_text(visit: tuple[Page, Seen]) -> None:
    page, seen = visit

    expect(page.locator("#rows tr")).to_have_count(2 * len(HOSTILE))

    check(page, seen)
    texts = page.locator("#rows").evaluate("each => each.textContent")
    assert all(text in texts for text in HOSTILE if len(text) < 200)


def test_each_run_shows_it_as_text(visit: tuple[Page, Seen]) -> None:
    page, seen = visit
    expect(page.locator("#rows tr")).to_have_count(2 * len(HOSTILE))
    for place in range(2 * len(HOSTILE)):
        row = page.locator("#rows tr").nth(place)
        id = row.locator("button").evaluate("each => each.textContent")

        row.locator("button").dispatch_event("click")

        page.wait_for_function(
            "id => selected.id === id && selected.drawn && at('steps').querySelector('summary')",
            arg=id,
        )
        page.locator("#steps summary").last.dispatch_event("click")
        page.locator("#steps pre").last.wait_for(state="attached")
        check(page, seen)


@pytest.mark.parametrize("view", ["Timeline", "Lifecycle"])
def test_each_picture_shows_it_as_text(view: str, visit: tuple[Page, Seen]) -> None:
    page, seen = visit
    page.get_by_role("button", name=view, exact=True).click()
    options = page.locator("#kind option")
    options.nth(1 + len(HOSTILE)).wait_for(state="attached")
    kinds = options.evaluate_all("all => all.map((each) => each.value)")
    assert len(kinds) == 2 + len(HOSTILE)
    for kind in kinds:
        page.locator("#kind").evaluate(
            "(each, kind) => { each.value = kind; each.dispatchEvent(new Event('change')); }", kind
        )
        page.evaluate("showRuns()")  # which waits for what is being drawn
        check(page, seen)


def test_what_is_injected_anyway_does_not_run(visit: tuple[Page, Seen]) -> None:
    page, seen = visit
    page.locator("#rows tr").first.wait_for()

    page.evaluate(
        """() => {
            const image = '<img src="data:," onerror="window.__hit = 1">';
            document.body.insertAdjacentHTML("beforeend", image);
            for (const marks of [{ text: "window.__hit = 2" }, { src: "data:,window.__hit=3" }])
                document.body.append(Object.assign(document.createElement("script"), marks));
        }"""
    )
    page.wait_for_function("document.querySelector('img').complete")

    assert page.evaluate("window.__hit") is None
    assert len(seen.violations) == 3
