"""Changes: whether a journal was changed, found out without reading it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm import Step, TaskRun, TransitionNotAllowed, open_journal
from fsm.journal import Claim, Journal, MemoryJournal
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal

Act = Callable[[Any, Any, Step], object]


def refuse(journal: Any, _claim: Any, _step: Step) -> None:
    with pytest.raises(TransitionNotAllowed):
        TaskRun.restore("failed", journal).resume()


ACTS: dict[str, Act] = {
    "a step": lambda journal, *_: TaskRun.restore("failed", journal).retry(),
    "a new run": lambda journal, *_: TaskRun("new", journal=journal).start(),
    "a batch": lambda journal, _, step: journal.extend([step], TaskRun),
    "a refusal": refuse,
    "a claim": lambda journal, *_: journal.claim(owner="v", run="failed"),
    "a renewal": lambda journal, claim, _: journal.renew(claim, 90),
    "a release": lambda journal, claim, _: journal.release(claim),
    "a revocation": lambda journal, *_: journal.revoke("claimed", owner="w"),
    "a late step": lambda journal, claim, step: journal.add_late_result(
        step._replace(run="claimed"), claim, "late"
    ),
    "a step with an outbox": lambda journal, _, step: journal.append(step, outbox=["mail"]),
    "a listener that was told": lambda journal, *_: journal.mark_delivered("told", 1, "mail"),
}


@pytest.fixture
def kept(journal: Any, step: Callable[..., Step]) -> Any:
    """A journal of some runs."""
    if isinstance(journal, MemoryJournal):
        pytest.skip("memory does not count: every step would pay for it")
    run = TaskRun("failed", journal=journal, max_retries=2)
    run.start()
    run.fail()
    journal.append(step("claimed"))
    journal.append(step("told"), outbox=["mail"])
    return journal


@pytest.fixture
def claim(kept: Any) -> Claim:
    """A claim of one of its runs."""
    (claim,) = kept.claim(owner="w", run="claimed")
    assert isinstance(claim, Claim)
    return claim


@pytest.fixture
def other(kept: Any) -> Iterator[Journal]:
    """The same journal, opened a second time."""
    with open_journal(kept.address.url) as other:
        yield other


def test_a_journal_in_memory_cannot_tell() -> None:
    assert MemoryJournal().changes() is None


def test_reading_is_no_change(kept: Any, other: Journal) -> None:
    def told_apart() -> bool:
        before = kept.changes()
        for journal in (kept, other):
            TaskRun.restore("failed", journal)
            list(journal.runs())
            list(journal.refusals())
            list(journal.faults())
        return kept.changes() != before

    assert kept.changes() is not None
    assert not all(told_apart() for _ in range(50))  # others may be on the same server


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_write_of_its_own_is_a_change(
    kept: Any, claim: Claim, act: Act, step: Callable[..., Step]
) -> None:
    before = kept.changes()

    act(kept, claim, step("batch"))

    assert kept.changes() != before


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_write_of_another_journal_is_a_change(
    kept: Any, claim: Claim, other: Journal, act: Act, step: Callable[..., Step]
) -> None:
    before = kept.changes()

    act(other, claim, step("batch"))

    assert kept.changes() != before


def test_a_write_is_a_change_when_it_is_committed(database: str, step: Callable[..., Step]) -> None:
    with SQLJournal(database) as journal, SQLJournal(database) as other:
        journal.append(step("first"))
        with other._connect() as under_way:
            under_way.exec_driver_sql("UPDATE runs SET kind = kind")
            with other._connect() as later:  # so that the end of the first is not the newest
                later.exec_driver_sql("SELECT pg_current_xact_id()")
                later.commit()
            before = journal.changes()

            under_way.commit()

        assert journal.changes() != before


def test_different_contents_have_different_values(kept: Any, other: Journal) -> None:
    chance, seen = random.Random(5), {}

    for number in range(100):
        journal = chance.choice([kept, other])
        if chance.random() < 0.5:
            TaskRun(f"r{number}", journal=journal).start()
        if chance.random() < 0.1:
            kept.close()
        changes = kept.changes()
        runs = [run.run for run in kept.runs()]

        assert seen.setdefault(changes, runs) == runs


def test_a_value_is_not_used_again_after_the_file_was_closed(path: Path) -> None:
    journal = SQLiteJournal(path)
    before = journal.changes()

    journal.close()
    with SQLiteJournal(path) as other:
        TaskRun("r", journal=other).start()

    assert journal.changes() != before
    journal.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_write_of_another_process_is_a_change(kept: Any) -> None:
    before = kept.changes()

    child = os.fork()
    if child == 0:
        try:
            TaskRun("child", journal=kept).start()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert kept.changes() != before
    assert kept.summary("child").state == "Running"
