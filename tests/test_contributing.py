"""CONTRIBUTING.md answers "where is ...?" with files that exist and are named for the question."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# What else a file may be called, beside a word of the question: the field's synonyms.
SYNONYMS = {
    "lease": {"heartbeat"},
    "sql": {"statements"},
    "claim": {"inserts"},
    "decided": {"decider", "guards"},
    "json": {"encode"},
    "page": {"web"},
    "moves": {"watch", "events"},
}


def questions() -> list[tuple[str, list[str]]]:
    section = TEXT.split("## Where is ...?")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", section, re.M)
    return [(question, re.findall(r"\]\(([^)]+)\)", answer)) for question, answer in rows]


def words(text: str) -> set[str]:
    """The words of *text*, cut to their first four letters: renewed and renewal are one."""
    return {word[:4] for word in re.findall(r"[a-z]+", text.lower())}


def test_there_are_twelve_questions() -> None:
    assert len(questions()) == 12


@pytest.mark.parametrize(("question", "files"), questions())
def test_an_answer_is_a_file_named_for_its_question(question: str, files: list[str]) -> None:
    asked = words(question)
    for word, others in SYNONYMS.items():
        if word[:4] in asked:
            asked |= words(" ".join(others))

    assert files
    for file in files:
        assert (ROOT / file).is_file()
        assert words(Path(file).stem) & asked, f"nothing in the name of {file} answers {question}"


def test_each_package_is_in_the_layout() -> None:
    section = TEXT.split("## The layout")[1].split("\n## ")[0]
    packages = [path.parent.name for path in ROOT.glob("fsm/*/__init__.py")]

    assert [name for name in packages if f"`fsm/{name}/`" not in section] == []


def test_the_layout_is_told_in_ten_lines() -> None:
    section = TEXT.split("## The layout")[1].split("\n## ")[0]

    assert len(re.findall(r"^\| `", section, re.M)) == 10
