"""A worker stops for longer than its lease, and goes on when others have finished its run."""

from __future__ import annotations

import datetime
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fsm import Journal, MemoryJournal, StaleRun, TaskRun, open_journal
from fsm.operations import rescue, verify
from fsm.states import ambient

from .child import Child
from .counts import times

STORES = ["memory", "sqlite", "postgres"]


class Holder:
    """A worker in this process, for journals that are nowhere else: it stops where it is told."""

    def __init__(self, journal: Journal) -> None:
        self._go, self._running = threading.Event(), threading.Event()
        self._said: list[Any] = []
        self._thread = threading.Thread(target=self._work, args=(journal,))
        self._thread.start()
        self._running.wait()

    def go_on(self) -> list[Any]:
        self._go.set()
        self._thread.join()
        return self._said

    def _work(self, journal: Journal) -> None:
        (claim,) = journal.claim(run="r", owner="first", lease=60)
        run = TaskRun.restore("r", claim)
        run.start()
        self._running.set()
        self._go.wait()
        try:
            run.succeed(result="late")
            self._said = ["succeeded"]
        except StaleRun as stale:
            self._said = ["refused", stale.winner, stale.kept]


class Stopped:
    """A worker process that a signal stops."""

    def __init__(self, child: Child) -> None:
        self._child = child
        child.expect("running")
        child.signal(signal.SIGSTOP)
        child.tell("go")

    def go_on(self) -> list[Any]:
        self._child.signal(signal.SIGCONT)
        return self._child.hear() or []


@contextmanager
def stopped_worker(
    journal: Journal, url: str, without: str | None = None
) -> Iterator[Holder | Stopped]:
    """A worker that has started the run `r`, and is about to report success."""
    TaskRun("r", journal=journal).schedule()
    if isinstance(journal, MemoryJournal):
        yield Holder(journal)
        return
    with Child("holder", url, *([] if without is None else [without])) as child:
        yield Stopped(child)


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        given: str = request.getfixturevalue("database")
        return given
    return "memory:" if request.param == "memory" else str(tmp_path / "runs.db")


def a_late_writer_loses(journal: Journal, url: str, without: str | None = None) -> None:
    """Rescued, claimed and finished by another: the first worker's success changes nothing."""
    with stopped_worker(journal, url, without) as first:
        later = ambient.now() + datetime.timedelta(seconds=120)
        (rescued,) = rescue(journal, now=later)
        assert (rescued.owner, rescued.state, rescued.skipped) == ("first", "Retrying", None)
        (claim,) = journal.claim(run="r", owner="second", now=later)
        run = TaskRun.restore("r", claim, clock=lambda: later)
        run.start()
        run.succeed(result="in time")
        finished = list(journal.records("r"))

        said = first.go_on()

    assert said[0] == "refused", said
    assert said[2], "it is not kept"
    assert list(journal.records("r")) == finished
    the_late_one_is_kept(journal)
    assert not list(rescue(journal, now=later + datetime.timedelta(days=1)))


def a_superseded_claim_writes_nothing(
    journal: Journal, url: str, without: str | None = None
) -> None:
    """Claimed by another who has not yet moved it: only the claim says who may."""
    with stopped_worker(journal, url, without) as first:
        before = list(journal.records("r"))
        later = ambient.now() + datetime.timedelta(seconds=120)
        (claim,) = journal.claim(run="r", owner="second", now=later)

        said = first.go_on()

    assert said[0] == "refused", said
    assert "claimed by 'second'" in said[1]
    assert list(journal.records("r")) == before
    the_late_one_is_kept(journal)
    TaskRun.restore("r", claim).succeed(result="in time")


def the_late_one_is_kept(journal: Journal) -> None:
    (late,) = journal.late_results("r")
    assert (late.owner, late.event, late.dest) == ("first", "succeed", "Success")
    assert '"late"' in late.payload
    assert not list(verify(journal))


@pytest.mark.parametrize("number", range(times("late writers")))
def test_a_late_writer_never_overwrites_a_finished_run(url: str, number: int) -> None:
    with open_journal(url) as journal:
        a_late_writer_loses(journal, url)


@pytest.mark.parametrize("number", range(times("late writers")))
def test_a_superseded_claim_writes_nothing(url: str, number: int) -> None:
    with open_journal(url) as journal:
        a_superseded_claim_writes_nothing(journal, url)
