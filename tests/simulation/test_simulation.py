"""Simulated days with faults of all kinds, in which nothing may be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm import MemoryJournal
from fsm.journal.sqlite.journal import SQLiteJournal

from ..torture.counts import LONG, SEED
from .cluster import Cluster
from .day import Day
from .ledger import Ledger

RUNS, IN_FILE = (20_000, 1_000) if LONG else (1_000, 60)
JOBS, HOURS = (1_000, 24.0) if LONG else (60, 4.0)
SEEDS = range(SEED, SEED + (3 if LONG else 1))


def check(ledger: Ledger, seed: int, *happened: str) -> None:
    """Assert that no rule was broken, and that the expected events did happen."""
    counts = ", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items()))
    steps = sum(map(len, ledger.entries.values()))
    print(f"seed {seed}: {steps} steps of {len(ledger.entries)} runs: {counts}; {ledger.digest()}")
    assert not ledger.wrong, ledger.wrong[:20]
    assert [what for what in happened if not ledger.counts[what]] == []


def test_a_day_with_all_faults_loses_nothing() -> None:
    day = Day(SEED, RUNS)

    ledger = day.live()

    check(
        ledger, SEED, "deaths", "jumps", "retry", "rescue", "time_out", "cache", "fail_trigger",
        "map", "pause", "resume", "loop", "operator's cancel", "operator's rerun",
    )  # fmt: skip
    assert len(ledger.entries) >= RUNS


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_with_a_journal_in_a_file_loses_nothing(seed: int, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        check(Day(seed, IN_FILE, journal=journal).live(), seed, "deaths", "retry")


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_that_stall_or_die_lose_nothing(seed: int, tmp_path: Path) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        ledger = Cluster(seed, JOBS, journal, hours=HOURS).live()

        check(ledger, seed, "claims", "died", "stalled", "rescued", "retry")
        assert len(list(journal.late_results())) >= ledger.counts["too late"]


def test_the_same_seed_gives_the_same_day() -> None:
    days = [Day(seed, 60).live().digest() for seed in (1, 1, 2)]

    assert days[0] == days[1] != days[2]


def test_the_same_seed_gives_the_same_cluster() -> None:
    days = [Cluster(seed, 10, MemoryJournal(), hours=1).live().digest() for seed in (1, 1, 2)]

    assert days[0] == days[1] != days[2]
