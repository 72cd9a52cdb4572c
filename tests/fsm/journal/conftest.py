"""Fixtures of the tests of journals: steps, and paths of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fsm import Step
from states import Pending, Running, State


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a journal that does not exist."""
    return tmp_path / "runs.db"


@pytest.fixture
def step() -> Callable[..., Step]:
    """The maker of steps: the first leads out of Pending, the others out of Running."""

    def make(
        run: str = "r", seq: int = 1, dest: State | None = None, event: str = "start", at: int = 0
    ) -> Step:
        source, settings = (Pending(), {"max_retries": 2}) if seq == 1 else (Running(), None)
        return Step(run, seq, event, source, Running() if dest is None else dest, at, settings)

    return make
