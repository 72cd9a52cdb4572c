"""The power is cut at any moment: what was acknowledged is on the disk.

Time does not stop at a cut: what the disk would have is written to a folder of its own and looked
at there, while the journal goes on. So one walk sees many cuts.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm import Step, TaskRun
from fsm.journal.sqlite.journal import SQLiteJournal

from .apsw_journal import ApswJournal
from .checking import Acknowledged, acknowledged, check, missing
from .counts import chance, times
from .driving import walk
from .lossy import LossyDisk

SHARES = 4
CUTS = 40  # in the life of one file
MEMORY = Path("/dev/shm")  # where a sync costs nothing: what it is worth is ours to say


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


class Cuts:
    """Cuts the power now and then, in the life of one file, and looks at what is left."""

    def __init__(self, folder: Path, rng: random.Random, without: str | None = None) -> None:
        self.folder, self.rng, self.without = folder, rng, without
        self.steps: set[Acknowledged] = set()
        self.cuts = self.kept = 0
        self.lost: list[Acknowledged] = []
        self.together: set[str] = set()  # the runs of the last batch
        self.often = rng.choice((0.2, 0.05, 0.01))  # dense: while the file is made; else: later
        self.disk = LossyDisk(f"lossy-{id(self)}", self.perhaps_cut)

    def live(self) -> None:
        """Make a journal, drive runs, close and open it, until there were enough cuts."""
        path, number = self.folder / "live" / "runs.db", 0
        path.parent.mkdir()
        pages = self.rng.choice((1, 8, 50))
        while self.cuts < CUTS:
            with ApswJournal(path, self.disk.name, pages=pages, without=self.without) as journal:
                for _ in range(self.rng.randint(1, 8)):
                    number += 1
                    run = TaskRun(f"r{number}", journal=journal, max_retries=2)
                    walk(run, self.rng, self.acknowledge)
                self.in_one_go(journal, number)
        self.disk.unregister()
        shutil.rmtree(self.folder / "live")

    def in_one_go(self, journal: SQLiteJournal, number: int) -> None:
        """Keep the first steps of some runs in one transaction: all are there, or none."""
        runs = [TaskRun(f"b{number}-{each}") for each in range(self.rng.randint(1, 30))]
        for run in runs:
            run.start()
        self.together = {step.run for run in runs for step in run.history}
        journal.extend([step for run in runs for step in run.history], TaskRun)
        for run in runs:
            self.acknowledge(run.history[0])

    def acknowledge(self, step: Step) -> None:
        self.steps.add(acknowledged(step))
        self.kept += 1

    def perhaps_cut(self) -> None:
        if self.cuts < CUTS and self.rng.random() < self.often:
            self.cut()

    def cut(self) -> None:
        self.cuts += 1
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            left = Path(name)
            self.disk.after_a_cut(left, self.rng)
            if self.rng.random() < 0.5:  # what was shared memory may be anything
                (left / "runs.db-shm").write_bytes(self.rng.randbytes(32_768))
            with SQLiteJournal(left / "runs.db") as journal:
                self.look(journal)

    def look(self, journal: SQLiteJournal) -> None:
        self.lost += missing(journal, self.steps)
        check(journal, self.steps - set(self.lost))
        there = {summary.run for summary in journal.runs()} & self.together
        assert there in (set(), self.together), "a batch was kept in part"


def lives(folder: Path, rng: random.Random, cuts: int, without: str | None = None) -> list[Cuts]:
    """So many *cuts*, spread over the lives of several files."""
    done = []
    for _ in range(-(-cuts // CUTS)):
        done.append(Cuts(folder, rng, without))
        done[-1].live()
    return done


@pytest.mark.parametrize("share", range(SHARES))
def test_a_power_cut_loses_nothing_acknowledged(folder: Path, share: int) -> None:
    done = lives(folder, chance("power", share), times("power cuts", shares=SHARES))

    cuts, kept = sum(each.cuts for each in done), sum(each.kept for each in done)
    lost = [step for each in done for step in each.lost]
    print(f"{cuts} cuts among {kept} acknowledged steps, {len(lost)} lost")
    assert not lost


def test_without_full_syncs_a_power_cut_does_lose(folder: Path) -> None:
    done = lives(folder, chance("normal"), 400, without="synchronous=FULL")

    lost = [step for each in done for step in each.lost]
    print(f"400 cuts, {len(lost)} lost")
    assert lost, "the disk loses nothing: the test has no teeth"
