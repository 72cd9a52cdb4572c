"""The live page, and other pages in the same browser that would like to read or move runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fsm.web import Server

from .pages import expect, state_of, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# What a page elsewhere can try; each says what it got. What it must not get is "read".
ATTACKS = """async (us) => {
    const got = {};
    const tried = async (name, attack) => {
        try { got[name] = (await attack()) ? "read" : "nothing"; } catch { got[name] = "refused"; }
    };
    const act = { method: "POST", body: JSON.stringify({ action: "cancel", run: "deploy" }) };
    const json = { "Content-Type": "application/json", "X-FSM-Token": "guess" };
    const loaded = (tag, marks) => new Promise((then) => {
        const element = Object.assign(document.createElement(tag), marks);
        element.onload = () => then(tag === "iframe" ? Boolean(element.contentDocument) : true);
        element.onerror = () => then(false);
        document.body.append(element);
    });
    await tried("fetch", async () => (await fetch(`${us}/api/runs`)).text());
    const blind = { mode: "no-cors" };
    await tried("blind fetch", async () => (await fetch(`${us}/api/runs`, blind)).text());
    await tried("post", async () => (await fetch(`${us}/api/act`, act)).text());
    const unread = { ...act, ...blind };
    await tried("blind post", async () => (await fetch(`${us}/api/act`, unread)).text());
    const guess = { ...act, headers: json };
    await tried("json", async () => (await fetch(`${us}/api/act`, guess)).text());
    await tried("events", () => new Promise((then) => {
        const events = new EventSource(`${us}/api/events`);
        events.onmessage = () => then(true);
        events.onerror = () => then(false);
    }));
    await tried("script", () => loaded("script", { src: `${us}/page.js` }));
    await tried("data as script", () => loaded("script", { src: `${us}/api/runs` }));
    await tried("style", () => loaded("link", { rel: "stylesheet", href: `${us}/page.css` }));
    await tried("image", () => loaded("img", { src: `${us}/api/runs` }));
    await tried("frame", () => loaded("iframe", { src: `${us}/` }));
    await tried("form", () => new Promise((then) => {
        const frame = Object.assign(document.createElement("iframe"), { name: "into" });
        const form = Object.assign(document.createElement("form"),
            { method: "post", action: `${us}/api/act`, enctype: "text/plain", target: "into" });
        form.append(Object.assign(document.createElement("input"),
            { name: '{"action": "cancel", "run": "deploy", "x": "', value: '"}' }));
        document.body.append(frame, form);
        frame.onload = () => then(Boolean(frame.contentDocument?.body?.textContent));
        form.submit();
    }));
    return got;
}"""


class Elsewhere(BaseHTTPRequestHandler):
    """A page of somebody else's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>elsewhere</title><body></body>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{other.server_port}/"
        other.shutdown()
        thread.join()


def attacked(page: Page, server: Server) -> dict[str, str]:
    got: dict[str, str] = page.evaluate(ATTACKS, f"http://127.0.0.1:{server.server_port}")
    assert len(got) == 12
    return {attack: what for attack, what in got.items() if what == "read"}


def test_a_page_on_another_port_gets_nothing(
    server: Server, elsewhere: str, path: Path, browser: Browser
) -> None:
    with visiting(browser, elsewhere) as (page, _):
        assert attacked(page, server) == {}

    assert state_of(path, "deploy") == "Paused"


def test_a_page_under_another_name_of_this_machine_gets_nothing(
    server: Server, elsewhere: str, path: Path, browser: Browser
) -> None:
    with visiting(browser, elsewhere.replace("127.0.0.1", "localhost")) as (page, _):
        assert attacked(page, server) == {}

    assert state_of(path, "deploy") == "Paused"


def test_a_file_gets_nothing(server: Server, path: Path, browser: Browser) -> None:
    file = path.with_name("evil.html")
    file.write_text("<!DOCTYPE html><title>evil</title><body></body>")

    with visiting(browser, file.as_uri()) as (page, _):
        assert attacked(page, server) == {}

    assert state_of(path, "deploy") == "Paused"


def test_a_name_that_was_made_to_lead_here_leads_nowhere(
    server: Server, path: Path, browser: Browser
) -> None:
    """DNS rebinding: to the browser, page and server are of one origin."""
    evil = f"http://evil.localhost:{server.server_port}"

    with visiting(browser, evil) as (page, _):
        expect(page.locator("body")).to_contain_text("is served at")
        said = page.evaluate("async () => (await fetch('/api/runs')).json()")

    assert said == {"error": f"this page is served at http://127.0.0.1:{server.server_port}/ only"}


def test_who_has_opened_the_page_cannot_look_into_it(
    server: Server, elsewhere: str, browser: Browser
) -> None:
    with visiting(browser, elsewhere) as (page, _), page.expect_popup() as opened:
        page.evaluate("url => { window.other = open(url); }", server.url)
        popup = opened.value
        expect(popup.locator("#rows tr")).to_have_count(4)

        assert page.evaluate("window.other.closed")  # to whoever opened it


def test_a_page_elsewhere_may_link_here(server: Server, elsewhere: str, browser: Browser) -> None:
    with visiting(browser, elsewhere) as (page, _):
        page.evaluate("url => { location.href = url; }", server.url)

        expect(page.locator("#rows tr")).to_have_count(4)
