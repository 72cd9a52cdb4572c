"""Every example runs without arguments and prints what its last comment says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(Path(__file__).parent.parent.glob("examples/*.py"))


def promised(example: Path) -> str:
    lines = example.read_text(encoding="utf-8").rstrip().splitlines()
    comment = []
    while lines and lines[-1].startswith("#"):
        comment.append(lines.pop().removeprefix("#").removeprefix(" "))
    return "\n".join(reversed(comment))


def test_there_are_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_prints_what_its_last_comment_says(example, tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}

    ran = subprocess.run(
        [sys.executable, example], cwd=tmp_path, env=environment,
        capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip

    assert ran.stderr == ""
    assert ran.stdout.rstrip() == promised(example)
    assert ran.returncode == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_shows_one_idea_in_sixty_lines(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 60
