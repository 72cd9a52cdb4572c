"""Simulation: a day in which everything goes wrong, again and again, and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm import MemoryJournal
from fsm.journal.sqlite.journal import SQLiteJournal

from ..torture.counts import LONG, SEED
from .books import Books
from .day import Day
from .yard import Yard

RUNS, IN_FILE = (20_000, 1_000) if LONG else (1_000, 60)
JOBS, HOURS = (1_000, 24.0) if LONG else (60, 4.0)
SEEDS = range(SEED, SEED + (3 if LONG else 1))


def check(books: Books, seed: int, *happened: str) -> None:
    """Nothing was wrong, and what the day was about did happen."""
    counts = ", ".join(f"{count} {what}" for what, count in sorted(books.counts.items()))
    steps = sum(map(len, books.lines.values()))
    print(f"seed {seed}: {steps} steps of {len(books.lines)} runs: {counts}; {books.digest()}")
    assert not books.wrong, books.wrong[:20]
    assert [what for what in happened if not books.counts[what]] == []


def test_a_day_in_which_everything_goes_wrong_loses_nothing() -> None:
    day = Day(SEED, RUNS)

    books = day.live()

    check(
        books, SEED, "deaths", "jumps", "retry", "rescue", "time_out", "cache", "fail_trigger",
        "map", "pause", "resume", "loop", "somebody's cancel", "somebody's rerun",
    )  # fmt: skip
    assert len(books.lines) >= RUNS


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_in_a_file_loses_nothing(seed: int, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        check(Day(seed, IN_FILE, journal=journal).live(), seed, "deaths", "retry")


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_that_stall_or_die_lose_nothing(seed: int, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        books = Yard(seed, JOBS, journal, hours=HOURS).live()

        check(books, seed, "claims", "died", "stalled", "rescued", "retry")
        assert len(list(journal.late())) >= books.counts["too late"]


def test_a_seed_is_the_same_day_again() -> None:
    days = [Day(seed, 60).live().digest() for seed in (1, 1, 2)]

    assert days[0] == days[1] != days[2]


def test_a_seed_is_the_same_workers_again() -> None:
    days = [Yard(seed, 10, MemoryJournal(), hours=1).live().digest() for seed in (1, 1, 2)]

    assert days[0] == days[1] != days[2]
