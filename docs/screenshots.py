"""Screenshots: the pictures, and the page of `fsm serve`, as a browser shows them 1200 pixels wide.

`tox -e pictures`, or `python docs/screenshots.py`: it needs Playwright and the machine's Chromium.
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

from pictures import FOLDER, PICTURES, many
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
FAILED = "etl/load-302"  # the run that is opened
SHEET = """
<style>
  body { margin: 0; background: #ffffff }
  svg { display: block; max-width: 100%; height: auto; margin: auto }
  @media (prefers-color-scheme: dark) { body { background: #0d1117 } }
</style>
"""


@contextmanager
def _opened(path: Path) -> Iterator[Journal]:
    with closing(open_journal(path, make=False)) as journal:
        yield journal


@contextmanager
def _served(path: Path) -> Iterator[str]:
    """The page of a journal, for as long as it is looked at."""
    with Server(partial(_opened, path), TaskRun, port=0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def _busy(journal: Journal) -> None:
    """Runs that begin last, and are now in the middle of things, or at all kinds of ends."""
    clock = HandClock()
    clock.advance(seconds=610)

    def begun(name: str) -> TaskRun:
        clock.advance(seconds=2)
        run = TaskRun(name, journal=journal, clock=clock, max_retries=2)
        run.start()
        clock.advance(seconds=3)
        return run

    begun("mail-300").fail(result=TimeoutError("no answer within 30 s"))
    begun("etl/extract-301").cancel(message="not needed any more")
    _tried_again(begun(FAILED), clock)
    begun("report-303").pause(message="waits for somebody to look at the figures")
    TaskRun("etl/extract-304", journal=journal, clock=clock).skip()
    begun("etl/load-305").loop()
    begun("mail-306").succeed()
    failed = begun("etl/extract-307")
    failed.fail()
    failed.retry(start_time=clock().add(seconds=60))
    for place in range(308, 311):
        TaskRun(f"report-{place}", journal=journal, clock=clock).schedule(
            start_time=clock().add(seconds=3600)
        )
    for place in range(311, 315):
        begun(f"etl/load-{place}")


def _tried_again(run: TaskRun, clock: HandClock) -> None:
    """Fail twice, with a word out of place in between."""
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


def _shoot(page: Page, name: str, scheme: str, *, whole: bool) -> None:
    page.screenshot(path=FOLDER / f"{name}-{scheme}.png", full_page=whole)


def _shoot_all(page: Page, scheme: str, served: str) -> None:
    for name in PICTURES:
        drawn = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        page.set_content(SHEET + drawn)
        page.set_viewport_size({"width": WIDTH, "height": 1})
        _shoot(page, name, scheme, whole=True)
    page.set_viewport_size({"width": WIDTH, "height": 1060})
    page.goto(served)
    page.click(f"#rows button:text-is('{FAILED}')")
    page.wait_for_selector("#path g.node")
    _shoot(page, "page", scheme, whole=False)


def main() -> None:
    """Draw the pictures, and photograph them in the light and in the dark."""
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(drawn(), encoding="utf-8")
    found = os.environ.get("FSM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # which Chromium refuses to root
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "runs.db")
        with closing(open_journal(path)) as journal:
            many(300, 600, journal)
            _busy(journal)
        browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *sandbox])
        with _served(path) as url:
            for scheme in SCHEMES:
                context = browser.new_context(color_scheme=scheme)
                _shoot_all(context.new_page(), scheme, url)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
