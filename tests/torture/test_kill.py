"""A process is killed at any moment: what it has acknowledged is there, and nothing is torn."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from fsm.journal.sqlite.journal import SQLiteJournal

from .checking import Acknowledged, check
from .child import Child
from .counts import chance, times

SHARES = 4  # of the work, for as many processes of pytest
LIVES = 20  # that one file sees: then it is large, and a new one is begun


@pytest.mark.parametrize("share", range(SHARES))
def test_a_kill_loses_nothing_acknowledged(tmp_path: Path, share: int) -> None:
    rng = chance("kill", share)
    kills, kept = times("kills of a process", shares=SHARES), 0

    with Child("nursery") as nursery:
        for first in range(0, kills, LIVES):
            lives = min(LIVES, kills - first)
            kept += lives_of_one_file(nursery, tmp_path / f"{first}.db", rng, lives)

    print(f"{kills} kills, {kept} steps acknowledged, 0 lost")
    assert kept > kills, "the children are killed before they have done anything"


def lives_of_one_file(
    nursery: Child, path: Path, rng: random.Random, lives: int, without: str | None = None
) -> int:
    """Let *lives* processes, one after the other, drive runs in a file; look after each."""
    steps: set[Acknowledged] = set()
    for life in range(lives):
        seed = f"{path.stem}-{life}"
        threads = rng.choice((1, 1, 3))
        nursery.tell({"path": str(path), "seed": seed, "threads": threads, "without": without})
        if rng.random() < 0.3:  # while it begins
            live(nursery, steps, 0, rng.uniform(0, 0.03))
        else:
            live(nursery, steps, rng.randrange(30), rng.uniform(0, 0.002))
        with SQLiteJournal(path) as journal:
            check(journal, steps)
    return len(steps)


def live(nursery: Child, steps: set[Acknowledged], heard: int, seconds: float) -> None:
    """Hear what the child acknowledges, so many times and *seconds* more, until it died."""
    for _ in range(heard):
        remember(nursery.hear(), steps)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        remember(nursery.hear(left), steps)
    nursery.tell("kill")
    while (said := nursery.hear()) != ["gone", 9]:
        assert said is not None, "the nursery has gone"
        remember(said, steps)


def remember(said: list[object] | None, steps: set[Acknowledged]) -> None:
    """Note a step that was kept."""
    if said is not None:
        assert said[0] in ("born", "kept"), said
        if said[0] == "kept":
            steps.add(Acknowledged(*said[1:]))
