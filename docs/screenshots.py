"""Screenshots: the pictures, and the page of `fsm serve`, as a browser shows them 1200 pixels wide.

`tox -e pictures`, or `python docs/screenshots.py`: it needs Playwright and the machine's Chromium.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal

from pictures import FOLDER, PICTURES, many
from playwright.sync_api import Page, sync_playwright

from fsm import TaskRun, open_journal
from fsm.journal import Journal
from fsm.page import Server

WIDTH: Final = 1200
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ("--disable-gpu", "--disable-background-networking", "--no-first-run")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
RETRIED = "mail-101"  # one of `many` that was tried again
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


def _shoot(page: Page, name: str, scheme: str, *, whole: bool) -> None:
    page.screenshot(path=FOLDER / f"{name}-{scheme}.png", full_page=whole)


def _shoot_all(page: Page, scheme: str, served: str) -> None:
    for name in PICTURES:
        drawn = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        page.set_content(SHEET + drawn)
        page.set_viewport_size({"width": WIDTH, "height": 1})
        _shoot(page, name, scheme, whole=True)
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.goto(served)
    page.fill("#search", RETRIED.partition("-")[0])
    page.click(f"#rows button:text-is('{RETRIED}')")
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
        browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *sandbox])
        with _served(path) as url:
            for scheme in SCHEMES:
                context = browser.new_context(color_scheme=scheme)
                _shoot_all(context.new_page(), scheme, url)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
