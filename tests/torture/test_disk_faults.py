"""The disk fails at its k-th call, for every k: a clean error, and a run that is where it was."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsm import JournalError, TaskRun
from fsm.errors import JournalUncertain
from fsm.journal.sqlite.journal import SQLiteJournal

from .apsw_journal import ApswJournal
from .checking import Acknowledged, acknowledged, check, kept
from .child import Child
from .faulty import KINDS, FaultyDisk

MEMORY = Path("/dev/shm")
FOR_EVER = 1_000_000  # calls


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    disk = FaultyDisk("faulty")
    yield disk
    disk.unregister()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


class Case:
    """A journal in which the run `r` has started, and what was acknowledged."""

    def __init__(self, path: Path, disk: FaultyDisk) -> None:
        self.path, self.disk = path, disk
        self.journal = ApswJournal(path, disk.name, pages=1)  # which writes back at each commit
        self.steps: set[Acknowledged] = set()
        self.run = TaskRun("r", journal=self.journal, max_retries=3)
        self.run.start()
        self.acknowledge(self.run)

    def acknowledge(self, run: TaskRun) -> None:
        self.steps |= {acknowledged(step) for step in run.history}


def a_step(case: Case) -> None:
    case.run.fail()


def a_first_step(case: Case) -> None:
    run = TaskRun("other", journal=case.journal)
    run.start()
    case.acknowledge(run)


def a_step_after_opening(case: Case) -> None:
    case.journal.close()
    case.run.fail()


def a_claim(case: Case) -> None:
    (claim,) = case.journal.claim(run="r", owner="o")
    claim.heartbeat()
    run = TaskRun.restore("r", claim)
    run.fail()
    case.acknowledge(run)
    claim.release()


def a_batch(case: Case) -> None:
    runs = [TaskRun(f"b{number}") for number in range(20)]
    for run in runs:
        run.start()
    case.journal.extend([step for run in runs for step in run.history], TaskRun)
    for run in runs:
        case.acknowledge(run)


DEEDS = [a_step, a_first_step, a_step_after_opening, a_claim, a_batch]


@pytest.mark.parametrize("calls", [1, 2, FOR_EVER], ids=["once", "twice", "for ever"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_fault_of_the_disk_is_a_clean_error(
    folder: Path, disk: FaultyDisk, deed: Callable[[Case], None], kind: str, calls: int
) -> None:
    errors = 0
    for first in itertools.count():
        case = Case(folder / f"{first}.db", disk)
        disk.fail(kind, first, first + calls - 1)
        said = attempt(case, deed)
        met = disk.failed
        disk.mend()
        stands_as_said(case, said)
        works_again(case)
        errors += said is not None
        if not met:
            break

    print(f"{first} calls, {errors} of them fatal to it")
    assert first
    assert errors


def attempt(case: Case, deed: Callable[[Case], None]) -> JournalError | None:
    """Do *deed* on the failing disk: it is done, or a JournalError comes out and no other."""
    before = case.run.history
    try:
        deed(case)
    except JournalError as error:
        assert case.run.history == before, "the run has moved, and an error came out"
        return error
    case.acknowledge(case.run)
    return None


def stands_as_said(case: Case, said: JournalError | None) -> None:
    """What a process that dies here leaves: what was kept is there, what was refused is not."""
    with tempfile.TemporaryDirectory(dir=case.path.parent) as name:
        left = Path(name) / case.path.name
        for suffix in ("", "-wal", "-journal"):
            if (file := Path(f"{case.path}{suffix}")).exists():
                shutil.copy(file, f"{left}{suffix}")
        with SQLiteJournal(left) as journal:
            check(journal, case.steps)
            if said is not None and not isinstance(said, JournalUncertain):
                assert kept(journal) == case.steps, said


def works_again(case: Case) -> None:
    """The same journal object goes on, once the disk is well."""
    with case.journal:
        run = TaskRun.restore("r", case.journal)
        for event in ("fail", "retry", "start"):
            if event in run.allowed:
                run.trigger(event)
        case.acknowledge(run)
    with SQLiteJournal(case.path) as journal:
        check(journal, case.steps)


def test_a_file_that_may_grow_no_more_is_a_clean_error(tmp_path: Path) -> None:
    with Child("filler", tmp_path / "runs.db") as child:
        *said, (_, name, message, steps), (_, stands), last = child.rest()

    steps_kept = {Acknowledged(*line[1:]) for line in (*said, last)}
    assert name in ("JournalError", "JournalUncertain"), message
    assert 0 <= stands - steps <= (name == "JournalUncertain")
    assert last[2] == stands + 1
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        check(journal, steps_kept)
