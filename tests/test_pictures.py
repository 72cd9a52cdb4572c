"""The pictures in docs/img are those that the code draws.

Another release of Graphviz may place shapes and text differently; which shapes and texts there are
may not differ. `tox -e pictures` draws them again.
"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parent.parent / "docs"
NAMES = [*runpy.run_path(str(DOCS / "pictures.py"))["PICTURES"], "page"]
DRAW = """
import json, runpy, sys
pictures = runpy.run_path(sys.argv[1])["PICTURES"]
print(json.dumps({name: draw() for name, draw in pictures.items()}))
"""


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """All pictures, drawn by a process of its own, without the state classes of other tests."""
    pytest.importorskip("pygraphviz")
    command = [sys.executable, "-c", DRAW, str(DOCS / "pictures.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    pictures: dict[str, str] = json.loads(done.stdout)
    return pictures


def elements(picture: str) -> Counter[tuple[str, str, str]]:
    """The tag, class and text of each element of an SVG."""
    return Counter(
        (element.tag, element.get("class", ""), (element.text or "").strip())
        for element in ElementTree.fromstring(picture).iter()
    )


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_picture_is_what_the_code_draws(name: str, drawn: dict[str, str]) -> None:
    kept = (DOCS / "img" / f"{name}.svg").read_text(encoding="utf-8")

    assert elements(kept) == elements(drawn[name])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_each_picture_has_a_screenshot_in_both_schemes(name: str, scheme: str) -> None:
    taken = (DOCS / "img" / f"{name}-{scheme}.png").read_bytes()

    assert taken.startswith(b"\x89PNG")
    assert int.from_bytes(taken[16:20], "big") == 1200  # pixels wide
    assert len(taken) < 250_000


def test_a_page_shows_each_picture() -> None:
    text = (DOCS / "pictures.md").read_text(encoding="utf-8")

    assert [name for name in NAMES[:-1] if f"img/{name}.svg" not in text] == []
    assert "img/page-light.png" in text


def test_the_readme_shows_the_lifecycle_and_a_run() -> None:
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")

    assert "docs/img/lifecycle.svg" in text
    assert "docs/img/run.svg" in text
