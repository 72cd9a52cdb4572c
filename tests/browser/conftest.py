"""A real Chromium, driven by Playwright; where either is missing, these tests are not there."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from fsm.web import Server

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = (  # asks nobody outside
    "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip

if importlib.util.find_spec("playwright") is None:  # it comes with the environment `browser`
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, headless: Playwright would fetch one from elsewhere."""
    from playwright.sync_api import sync_playwright

    found = os.environ.get("FSM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium: install the package `chromium`, or set FSM_CHROMIUM")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # which Chromium refuses to root
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*QUIET, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def mermaid_js() -> Path:
    """Mermaid itself, as its users load it: the environment `browser` installs it by npm."""
    found = Path(os.environ.get("FSM_MERMAID") or "mermaid.min.js")
    if not found.is_file():
        pytest.skip("FSM_MERMAID names no mermaid.min.js; `tox -e browser` installs it by npm")
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of a few runs."""
    from .pages import a_few  # which asks for Playwright

    path = tmp_path / "runs.db"
    a_few(path)
    return path


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    """The page of that journal, served."""
    from .pages import serving

    with serving(path) as server:
        yield server
