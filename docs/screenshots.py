"""Takes screenshots of the pictures and of the page of `fsm serve`, 1200 pixels wide.

Run it by `tox -e pictures` or `python docs/screenshots.py`. It needs Playwright and the Chromium
of the machine, whose path may be given in FSM_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Literal

from pictures import FOLDER, PICTURES, many_runs
from playwright.sync_api import Page, sync_playwright

from fsm import TaskRun, open_journal
from fsm.errors import TransitionError
from fsm.journal import Journal
from fsm.testing import HandClock
from fsm.web import Server

WIDTH: Final = 1200
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ("--disable-gpu", "--disable-background-networking", "--no-first-run")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
FAILED = "etl/load-302"  # the run that the page shows
PAGE_STYLE = """
<style>
  body { margin: 0; background: #ffffff }
  svg { display: block; max-width: 100%; height: auto; margin: auto }
  @media (prefers-color-scheme: dark) { body { background: #0d1117 } }
</style>
"""


@contextmanager
def _open(path: Path) -> Iterator[Journal]:
    with closing(open_journal(path, make=False)) as journal:
        yield journal


@contextmanager
def _serve(path: Path) -> Iterator[str]:
    """Serve the page of a journal; yield its URL."""
    with Server(partial(_open, path), TaskRun, port=0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def _add_latest_runs(journal: Journal) -> None:
    """Add the runs that begin last: some run or wait, others have ended in different states."""
    clock = HandClock()
    clock.advance(seconds=610)

    def begin(name: str) -> TaskRun:
        clock.advance(seconds=2)
        run = TaskRun(name, journal=journal, clock=clock, max_retries=2)
        run.start()
        clock.advance(seconds=3)
        return run

    begin("mail-300").fail(result=TimeoutError("no answer within 30 s"))
    begin("etl/extract-301").cancel(message="not needed any more")
    _fail_twice(begin(FAILED), clock)
    begin("report-303").pause(message="waits for somebody to look at the figures")
    TaskRun("etl/extract-304", journal=journal, clock=clock).skip()
    begin("etl/load-305").loop()
    begin("mail-306").succeed()
    failed = begin("etl/extract-307")
    failed.fail()
    failed.retry(start_time=clock().add(seconds=60))
    for place in range(308, 311):
        TaskRun(f"report-{place}", journal=journal, clock=clock).schedule(
            start_time=clock().add(seconds=3600)
        )
    for place in range(311, 315):
        begin(f"etl/load-{place}")


def _fail_twice(run: TaskRun, clock: HandClock) -> None:
    """Fail, refuse an event, retry, and fail again."""
    run.fail(result=ConnectionError("no route to warehouse-2"))
    clock.advance(seconds=2)
    with suppress(TransitionError):
        run.start()
    clock.advance(seconds=2)
    run.retry(start_time=clock())
    clock.advance(seconds=1)
    run.start()
    clock.advance(seconds=6)
    run.fail(result=ConnectionError("no route to warehouse-2"))


def _take_screenshot(page: Page, name: str, scheme: str, *, whole: bool) -> None:
    page.screenshot(path=FOLDER / f"{name}-{scheme}.png", full_page=whole)


def _take_screenshots(page: Page, scheme: str, url: str) -> None:
    for name in PICTURES:
        picture = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        page.set_content(PAGE_STYLE + picture)
        page.set_viewport_size({"width": WIDTH, "height": 1})
        _take_screenshot(page, name, scheme, whole=True)
    page.set_viewport_size({"width": WIDTH, "height": 1060})
    page.goto(url)
    page.click(f"#rows button:text-is('{FAILED}')")
    page.wait_for_selector("#path g.node")
    _take_screenshot(page, "page", scheme, whole=False)


def main() -> None:
    """Draw the pictures, and take screenshots in a light and in a dark colour scheme."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
    chromium = os.environ.get("FSM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to sandbox for root
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "runs.db")
        with closing(open_journal(path)) as journal:
            many_runs(300, 600, journal)
            _add_latest_runs(journal)
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *sandbox])
        with _serve(path) as url:
            for scheme in SCHEMES:
                context = browser.new_context(color_scheme=scheme)
                _take_screenshots(context.new_page(), scheme, url)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
