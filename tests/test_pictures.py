"""The pictures in docs/img are those that the code draws.

Letters and lines may lie elsewhere with another release of Graphviz; what is said, and by how many
shapes, may not differ. `tox -e pictures` draws them again.
"""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PICTURES: dict[str, Any] = runpy.run_path(str(DOCS / "pictures.py"))["PICTURES"]
NAMES = [*PICTURES, "page"]


def held(picture: str) -> Counter[tuple[str, str, str]]:
    """Each element of an SVG: what it is, of which class, and what it says."""
    return Counter(
        (element.tag, element.get("class", ""), (element.text or "").strip())
        for element in ElementTree.fromstring(picture).iter()
    )


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_code_draws(name: str) -> None:
    pytest.importorskip("pygraphviz")
    kept = (DOCS / "img" / f"{name}.svg").read_text(encoding="utf-8")

    assert held(kept) == held(PICTURES[name]())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_each_picture_has_been_photographed(name: str, scheme: str) -> None:
    taken = (DOCS / "img" / f"{name}-{scheme}.png").read_bytes()

    assert taken.startswith(b"\x89PNG")
    assert int.from_bytes(taken[16:20], "big") == 1200  # pixels wide
    assert len(taken) < 250_000


def test_the_readme_shows_each_picture() -> None:
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")

    assert [name for name in PICTURES if f"docs/img/{name}.svg" not in text] == []
    assert "docs/img/page-light.png" in text
