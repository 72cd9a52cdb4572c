"""Late results: what a superseded worker would have recorded is kept, but not as history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fsm import JournalError, MemoryJournal, StaleRun, Step, TaskRun
from fsm.journal import Claim, Journal
from fsm.testing import HandClock
from states import Success

Started = Callable[[str], tuple[TaskRun, Claim]]


@pytest.fixture
def started(journal: Journal, clock: HandClock) -> Started:
    """The maker of a run that its worker has started, under a claim of a minute."""

    def make(late: str) -> tuple[TaskRun, Claim]:
        TaskRun("r", journal=journal, clock=clock).schedule(start_time=clock())
        (claim,) = journal.claim(owner="a", lease=60, now=clock(), late=late)
        run = TaskRun.restore("r", claim, clock=clock)
        run.start()
        return run, claim

    return make


@pytest.mark.parametrize("late", ["adopt", "keep", "drop"])
def test_a_step_in_time_is_kept(late: str, started: Started, journal: Journal) -> None:
    run, _ = started(late)

    run.succeed(result=1)

    assert journal.summary("r").state == "Success"
    assert list(journal.late_results()) == []


def test_a_late_step_is_adopted_if_no_one_else_claimed_the_run(
    started: Started, journal: Journal, clock: HandClock
) -> None:
    run, _ = started("adopt")
    clock.advance(hours=1)

    run.succeed(result=1)

    assert journal.summary("r").state == "Success"
    assert list(journal.late_results()) == []


@pytest.mark.parametrize(("late", "kept"), [("keep", 1), ("drop", 0)])
def test_a_late_step_is_not_adopted_under_another_policy(
    late: str, kept: int, started: Started, journal: Journal, clock: HandClock
) -> None:
    run, _ = started(late)
    clock.advance(seconds=60)

    with pytest.raises(StaleRun, match="lapsed: the lease ended at") as caught:
        run.succeed(result=1)

    assert caught.value.kept == bool(kept)
    assert len(list(journal.late_results())) == kept
    assert journal.summary("r").state == "Running"


def test_a_step_within_a_renewed_lease_is_in_time(
    started: Started, journal: Journal, clock: HandClock
) -> None:
    run, claim = started("keep")
    clock.advance(seconds=90)
    claim.heartbeat(60, now=clock())

    run.succeed(result=1)

    assert journal.summary("r").state == "Success"


@pytest.mark.parametrize(("late", "kept"), [("adopt", 1), ("keep", 1), ("drop", 0)])
def test_a_superseded_writer_never_wins(
    late: str, kept: int, started: Started, journal: Journal, clock: HandClock
) -> None:
    run, _ = started(late)
    journal.claim(owner="b", run="r", now=clock().add(minutes=1))

    with pytest.raises(StaleRun) as caught:
        run.succeed(message="done", result={"rows": [1, 2]})

    assert caught.value.kept == bool(kept)
    assert len(list(journal.late_results("r"))) == kept
    assert journal.summary("r").steps == 2


def test_a_late_result_is_readable(started: Started, journal: Journal, clock: HandClock) -> None:
    run, claim = started("adopt")
    journal.claim(owner="b", run="r", now=clock().add(minutes=1))
    clock.advance(seconds=7)
    with pytest.raises(StaleRun):
        run.succeed(message="done", result={"rows": (1, 2)})

    (late,) = journal.late_results()

    assert (late.run, late.seq, late.event, late.epoch, late.owner) == (
        "r", 3, "succeed", claim.epoch, "a",
    )  # fmt: skip
    assert (late.source, late.dest) == ("Running", "Success")
    assert "claimed by 'b'" in late.reason
    assert late.at == clock()
    assert late.state == Success("done", {"rows": (1, 2)})
    assert late.state.result == {"rows": (1, 2)}


def test_late_results_come_in_the_order_they_came(
    journal: Journal, step: Callable[..., Step], clock: HandClock
) -> None:
    claims = {}
    for id in ("b", "a"):
        TaskRun(id, journal=journal, clock=clock).submit()
        (claims[id],) = journal.claim(run=id, owner="w", now=clock())
    for id in ("b", "a", "b"):
        journal.add_late_result(step(id, 2), claims[id], "why not")

    assert [late.run for late in journal.late_results()] == ["b", "a", "b"]
    assert [late.run for late in journal.late_results("a")] == ["a"]
    assert list(journal.late_results("x")) == []


def test_a_step_that_can_be_kept_nowhere_is_stale_first_of_all(
    clock: HandClock,
) -> None:
    journal = MemoryJournal()  # which keeps what no other could write
    TaskRun("r", journal=journal).start()
    (claim,) = journal.claim(owner="a", run="r", now=clock())
    run = TaskRun.restore("r", claim)
    journal.claim(owner="b", run="r", now=clock().add(minutes=1))

    with pytest.raises(StaleRun) as caught:
        run.succeed(result=object())

    assert not caught.value.kept
    assert "nor could the step be kept as a late result" in caught.value.__notes__[0]


def test_an_error_in_keeping_a_late_result_does_not_hide_the_winner(
    started: Started, journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = started("adopt")
    journal.claim(owner="b", run="r", now=clock().add(minutes=1))

    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(type(journal), "add_late_result", full)
    with pytest.raises(StaleRun) as caught:
        run.succeed(result=1)

    assert "the disk is full" in caught.value.__notes__[0]


@pytest.mark.parametrize("run", ["\0", "\ud800", ""], ids=repr)
def test_an_impossible_id_has_no_late_results(run: str, journal: Journal) -> None:
    assert list(journal.late_results(run)) == []
