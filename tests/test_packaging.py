"""What the package says of itself: its address stands in one place, and its pictures show."""

from __future__ import annotations

import configparser
import re
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py hands to setuptools."""
    given: dict[str, Any] = {}
    setuptools = types.SimpleNamespace(setup=lambda **words: given.update(words))
    monkeypatch.setitem(sys.modules, "setuptools", setuptools)
    given["base"] = runpy.run_path(str(ROOT / "setup.py"))["REPOSITORY"]
    return given


def test_the_long_description_shows_its_pictures_on_the_package_index(metadata) -> None:
    text, base = metadata["long_description"], metadata["base"]

    images = re.findall(r"!\[[^\]]*\]\(([^)]*)\)|\bsrc(?:set)?=\"([^\"]*)", text)
    assert images
    assert [each for each in map("".join, images) if not each.startswith(f"{base}/raw/")] == []


def test_the_long_description_has_absolute_links_only(metadata) -> None:
    links = re.findall(r"\]\(([^)]*)\)", metadata["long_description"])

    assert f"{metadata['base']}/blob/main/docs/tasks.md" in links
    assert [each for each in links if not each.startswith(("https://", "#"))] == []


def test_the_long_description_is_the_readme_with_other_targets(metadata) -> None:
    base = re.escape(metadata["base"])
    text = re.sub(rf"{base}/(?:raw|blob)/main/", "", metadata["long_description"])

    assert text == (ROOT / "README.md").read_text("utf-8")


def test_the_address_of_the_repository_stands_in_one_place(metadata) -> None:
    named = [
        str(path.relative_to(ROOT))
        for folder in ("fsm", "states", "docs", "examples", "benchmarks", ".github", ".ci", ".")
        for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
        if path.suffix in {".py", ".md", ".cfg", ".toml", ".ini", ".yml", ".html", ".js"}
        and metadata["base"] in path.read_text("utf-8")
    ]

    assert named == ["setup.py"]


def test_each_python_that_tox_knows_is_a_classifier() -> None:
    setup, tox = configparser.RawConfigParser(), configparser.RawConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    tox.read(ROOT / "tox.ini", "utf-8")

    classifiers = setup["metadata"]["classifiers"]
    asked = re.findall(r"PYENV_VERSION = (3\.\d+)", tox["testenv"]["set_env"])
    assert asked == re.findall(r":: Python :: (3\.\d+)", classifiers)
