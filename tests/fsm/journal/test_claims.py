"""Claims: one worker at a time may write a run, and the last one to claim it wins."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fsm import StaleRun, Step, TaskRun
from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal import Claim, Journal
from fsm.lifecycle import StepStore
from fsm.operations import rescue
from fsm.testing import HandClock
from states import Running

Waiting = Callable[..., TaskRun]


@pytest.fixture
def waiting(journal: Journal, clock: HandClock) -> Waiting:
    """The maker of a run that is to start so many seconds from now."""

    def make(id: str, seconds: float = 0) -> TaskRun:
        run = TaskRun(id, journal=journal, clock=clock)
        run.schedule(start_time=clock().add(seconds=seconds))
        return run

    return make


@pytest.fixture
def claim(journal: Journal, waiting: Waiting, clock: HandClock) -> Claim:
    """A claim of run `r` for a minute."""
    waiting("r")
    (made,) = journal.claim(owner="a", lease=60, now=clock())
    return made


def ids(claims: list[Claim]) -> list[str]:
    return [claim.run for claim in claims]


def test_a_claim_is_a_journal_for_its_run(claim: Claim, journal: Journal) -> None:
    assert isinstance(claim, StepStore)
    assert (claim.run, claim.owner, claim.epoch, claim.journal) == ("r", "a", 1, journal)
    assert claim.blocking == journal.blocking
    assert repr(claim) == "<Claim 1 of 'r' by 'a'>"


def test_a_claimed_run_has_an_owner(claim: Claim, journal: Journal, clock: HandClock) -> None:
    summary = journal.summary("r")

    assert (summary.owner, summary.epoch) == ("a", 1)
    assert claim.until == clock().add(seconds=60)
    assert summary.lease == clock().add(seconds=60).timestamp() * 1e6
    assert [each.run for each in journal.runs(owner="a")] == ["r"]
    assert list(journal.runs(owner="b")) == []


def test_the_longest_due_are_claimed_first(
    journal: Journal, waiting: Waiting, clock: HandClock
) -> None:
    for id, seconds in {"a": 4, "b": 3, "c": 2, "d": 1}.items():
        waiting(id, seconds)
    clock.advance(seconds=10)

    first = journal.claim(3, owner="w", now=clock())

    assert ids(first) == ["d", "c", "b"]
    assert ids(journal.claim(3, owner="w", now=clock())) == ["a"]
    assert journal.claim(3, owner="w", now=clock()) == []


def test_runs_due_at_one_time_are_claimed_by_name(
    journal: Journal, waiting: Waiting, clock: HandClock
) -> None:
    for id in ("c", "a", "b"):
        waiting(id)

    assert ids(journal.claim(9, owner="w", now=clock())) == ["a", "b", "c"]


def test_a_run_that_is_not_due_is_not_claimed(
    journal: Journal, waiting: Waiting, clock: HandClock
) -> None:
    waiting("r", 5)

    assert journal.claim(owner="w", now=clock()) == []
    assert ids(journal.claim(owner="w", now=clock().add(seconds=5))) == ["r"]


@pytest.mark.parametrize(
    "name", ["Running", "Success", "Failed", "Cancelled", "Looped", "Cached", "Mapped"]
)
def test_a_run_that_does_not_wait_is_not_claimed(
    name: str, journal: Journal, reach: Callable[..., TaskRun], clock: HandClock
) -> None:
    reach(name, journal=journal, timeout=1, cache_for=1)

    assert journal.claim(9, owner="w", now=clock().add(years=1)) == []


@pytest.mark.parametrize("name", ["Submitted", "Queued", "Retrying", "Resume", "Scheduled"])
def test_a_run_that_waits_to_be_started_is_claimed(
    name: str, journal: Journal, reach: Callable[..., TaskRun], clock: HandClock
) -> None:
    run = reach(name, journal=journal)

    assert ids(journal.claim(owner="w", now=clock())) == [run.id]


def test_a_lease_is_respected_to_its_last_moment(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    last = datetime.timedelta(seconds=60)

    assert journal.claim(owner="b", now=clock() + last - datetime.timedelta(microseconds=1)) == []
    assert ids(journal.claim(owner="b", now=clock() + last)) == ["r"]


def test_time_that_runs_backwards_ends_no_lease(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    assert journal.claim(owner="b", now=clock().subtract(years=10)) == []
    assert journal.claim(owner="b", run="r", now=clock().subtract(years=10)) == []


def test_each_claim_has_the_next_epoch(claim: Claim, journal: Journal, clock: HandClock) -> None:
    (second,) = journal.claim(owner="b", now=clock().add(seconds=60))
    second.release()
    (third,) = journal.claim(owner="b", now=clock().add(seconds=60))

    assert claim.epoch < second.epoch < third.epoch
    assert journal.summary("r").epoch == third.epoch


@pytest.mark.parametrize("name", ["Running", "Success", "Failed", "Pending", "Paused"])
def test_one_run_is_claimed_whatever_its_state(
    name: str, journal: Journal, reach: Callable[..., TaskRun], clock: HandClock
) -> None:
    run = reach("Running" if name == "Pending" else name, journal=journal)

    (claim,) = journal.claim(owner="w", run=run.id, now=clock())

    assert claim.run == run.id
    assert journal.claim(owner="b", run=run.id, now=clock()) == []


@pytest.mark.parametrize("id", ["x", "\0", "\ud800", "", 5, [], b"r"], ids=repr)
def test_a_run_that_is_not_there_cannot_be_claimed(id: Any, journal: Journal) -> None:
    with pytest.raises(UnknownRun):
        journal.claim(owner="w", run=id)


def test_one_of_many_threads_claims_a_run(
    journal: Journal, waiting: Waiting, clock: HandClock
) -> None:
    waiting("r")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: journal.claim(owner=f"w{n}", now=clock()), range(8)))

    assert len([claim for claims in found for claim in claims]) == 1


def test_threads_claim_different_runs(journal: Journal, waiting: Waiting, clock: HandClock) -> None:
    for number in range(40):
        waiting(f"r{number}")

    def take(name: int) -> list[str]:
        taken: list[str] = []
        while claims := journal.claim(3, owner=f"w{name}", now=clock()):
            taken += ids(claims)
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [id for ids in pool.map(take, range(6)) for id in ids]

    assert len(taken) == len(set(taken))
    assert set(taken) | set(ids(journal.claim(40, owner="last", now=clock()))) == {
        f"r{number}" for number in range(40)
    }


def test_a_heartbeat_renews_the_lease(claim: Claim, journal: Journal, clock: HandClock) -> None:
    clock.advance(seconds=50)
    claim.heartbeat(60, now=clock())
    clock.advance(seconds=50)

    assert claim.until == clock().add(seconds=10)
    assert journal.claim(owner="b", now=clock()) == []
    assert list(journal.find_lapsed(clock())) == []


def test_a_lapsed_lease_is_renewed_if_no_one_else_claimed_the_run(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    clock.advance(hours=1)

    claim.heartbeat(now=clock())

    assert journal.claim(owner="b", now=clock()) == []
    assert journal.summary("r").epoch == claim.epoch


def test_a_claim_that_was_taken_over_is_not_renewed(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    clock.advance(hours=1)
    journal.claim(owner="b", now=clock())

    with pytest.raises(StaleRun, match="claim 2 by b"):
        claim.heartbeat(now=clock())

    assert journal.summary("r").owner == "b"


def test_a_released_claim_is_not_renewed(claim: Claim, journal: Journal, clock: HandClock) -> None:
    claim.release()

    with pytest.raises(StaleRun, match="released"):
        claim.heartbeat(now=clock())

    assert journal.summary("r").owner is None


def test_a_release_lets_others_claim_the_run(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    claim.release()
    claim.release()

    assert ids(journal.claim(owner="b", now=clock())) == ["r"]


def test_a_late_release_does_not_free_anothers_claim(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    clock.advance(hours=1)
    journal.claim(owner="b", now=clock())

    claim.release()

    assert journal.summary("r").owner == "b"
    assert not journal.release(claim)


def test_a_released_claim_cannot_write(claim: Claim, journal: Journal) -> None:
    run = TaskRun.restore("r", claim)
    claim.release()

    with pytest.raises(StaleRun, match="released"):
        run.start()

    assert journal.summary("r").state == "Scheduled"


def test_a_claim_ends_with_its_block(claim: Claim, journal: Journal) -> None:
    with claim:
        TaskRun.restore("r", claim).skip()

    assert journal.summary("r").owner is None


def crash(claim: Claim) -> None:
    with claim:
        TaskRun.restore("r", claim).start()
        raise OSError("no such disk")


def test_a_run_whose_block_ends_in_an_error_is_found_by_a_rescue(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    with pytest.raises(OSError, match="no such disk"):
        crash(claim)

    assert [run.run for run in journal.find_lapsed(clock().add(seconds=60))] == ["r"]
    (rescued,) = rescue(journal, now=clock().add(seconds=60))
    assert rescued.state == "Retrying"


def test_a_claim_that_lapses_can_be_claimed_at_once(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    claim.lapse(now=clock())
    claim.lapse(now=clock().add(seconds=30))

    assert claim.until == clock()
    assert ids(journal.claim(owner="b", now=clock())) == ["r"]
    claim.lapse(now=clock())
    assert journal.summary("r").owner == "b"


def test_a_claim_survives_closing_its_journal(claim: Claim, journal: Journal) -> None:
    run = TaskRun.restore("r", claim)
    journal.close()

    run.start()

    assert journal.summary("r").state == "Running"


def test_a_step_has_the_epoch_of_its_claim(claim: Claim, journal: Journal) -> None:
    TaskRun.restore("r", claim).start()

    if not journal.blocking:  # memory keeps steps, not records
        return
    assert [record.epoch for record in journal.records("r")] == [None, claim.epoch]


def test_the_error_of_a_superseded_writer_names_the_winner(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    run = TaskRun.restore("r", claim)
    run.start()
    (other,) = journal.claim(owner="b", run="r", now=clock().add(hours=1))

    with pytest.raises(StaleRun) as caught:
        run.succeed(result=1)

    assert "claimed by 'b' (claim 2, not 1)" in caught.value.winner
    assert type(run.state) is Running
    TaskRun.restore("r", other).fail(message="by b")
    assert [step.event for step in journal.steps("r")] == ["schedule", "start", "fail"]


def test_the_error_of_a_superseded_writer_names_the_recorded_step(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    run = TaskRun.restore("r", claim)
    run.start()
    (other,) = journal.claim(owner="b", run="r", now=clock().add(hours=1))
    TaskRun.restore("r", other).fail(message="by b")

    with pytest.raises(StaleRun, match="Running → Failed"):
        run.succeed(result=1)

    assert journal.summary("r").state == "Failed"


def test_a_claim_of_a_run_that_another_finishes_is_stale(claim: Claim, journal: Journal) -> None:
    run = TaskRun.restore("r", claim)
    TaskRun.restore("r", journal).cancel()

    with pytest.raises(StaleRun, match="cancel: Scheduled → Cancelled"):
        run.start()

    assert journal.summary("r").state == "Cancelled"


def test_a_claim_refuses_steps_of_other_runs(claim: Claim, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="this claim is of run 'r', not of 'other'"):
        TaskRun("other", journal=claim).start()

    with pytest.raises(InvalidArgument, match="this claim is of run 'r'"):
        TaskRun(journal=claim).start()

    assert [summary.run for summary in journal.runs()] == ["r"]


def test_a_claim_cannot_begin_its_run_again(claim: Claim, journal: Journal) -> None:
    with pytest.raises(StaleRun, match="schedule: Pending → Scheduled"):
        TaskRun("r", journal=claim).start()

    assert journal.summary("r").steps == 1


def test_a_claim_reads_as_its_journal(claim: Claim, journal: Journal) -> None:
    (step,) = claim.steps("r")

    assert [record.event for record in claim.records("r")] == ["schedule"]
    assert [summary.run for summary in claim.runs(state="Scheduled")] == ["r"]
    assert claim.holds(step)
    assert not claim.holds(step._replace(event="other"))


@pytest.mark.parametrize("limit", [0, -1, True, 1.0, "1", None], ids=repr)
def test_an_odd_limit_is_refused(limit: Any, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="limit"):
        journal.claim(limit, owner="w")


def test_a_limit_may_be_huge(journal: Journal, waiting: Waiting, clock: HandClock) -> None:
    waiting("r")

    assert ids(journal.claim(10**30, owner="w", now=clock())) == ["r"]


@pytest.mark.parametrize(
    "owner", ["", "x" * 201, "a\0b", "\ud800", "a\nb", None, 5, b"w"], ids=ascii
)
def test_an_odd_owner_is_refused(owner: Any, journal: Journal, waiting: Waiting) -> None:
    waiting("r")

    with pytest.raises(InvalidArgument, match="owner"):
        journal.claim(owner=owner)

    assert journal.summary("r").epoch == 0


ODD_LEASES = [-1, float("nan"), float("inf"), 10**12, True, "60", None, datetime.timedelta(-1)]


@pytest.mark.parametrize("lease", ODD_LEASES, ids=repr)
def test_an_odd_lease_is_refused(lease: Any, claim: Claim, journal: Journal) -> None:
    for ask in (lambda: journal.claim(owner="w", lease=lease), lambda: claim.heartbeat(lease)):
        with pytest.raises(InvalidArgument, match="lease"):
            ask()

    assert journal.summary("r").epoch == 1


@pytest.mark.parametrize("late", ["", "Adopt", None, 5, []], ids=repr)
def test_an_odd_policy_is_refused(late: Any, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="late is 'adopt', 'keep' or 'drop'"):
        journal.claim(owner="w", late=late)


@pytest.mark.parametrize("now", [0, "now", datetime.datetime(2020, 1, 1), None, True], ids=repr)
def test_an_odd_time_is_refused(now: Any, claim: Claim, journal: Journal) -> None:
    if now is None:  # the present
        return
    with pytest.raises(InvalidArgument, match="aware datetime"):
        journal.claim(owner="w", now=now)
    with pytest.raises(InvalidArgument, match="aware datetime"):
        claim.heartbeat(now=now)


FIRST = datetime.datetime.min.replace(tzinfo=datetime.UTC)
LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC)


def test_a_lease_ends_with_the_last_year(
    journal: Journal, waiting: Waiting, clock: HandClock
) -> None:
    waiting("r")

    (claim,) = journal.claim(owner="w", lease=10**6, now=LAST)

    assert claim.until == LAST
    claim.heartbeat(10**6, now=LAST)
    assert claim.until == LAST
    assert journal.summary("r").lease == (
        LAST - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    ) // (datetime.timedelta(microseconds=1))


def test_a_claim_may_be_made_in_the_first_year(journal: Journal) -> None:
    TaskRun("r", journal=journal, clock=lambda: FIRST).submit()

    (claim,) = journal.claim(owner="w", lease=1, now=FIRST)

    assert claim.until == FIRST + datetime.timedelta(seconds=1)


def test_a_time_before_the_first_year_is_refused(journal: Journal) -> None:
    east = datetime.timezone(datetime.timedelta(hours=14))

    with pytest.raises(InvalidArgument, match="years 1 to 9999"):
        journal.claim(owner="w", now=datetime.datetime(1, 1, 1, tzinfo=east))


@pytest.mark.parametrize("claim", [None, "r", 5], ids=repr)
def test_another_thing_than_a_claim_is_refused(claim: Any, journal: Journal) -> None:
    for ask in (journal.renew, journal.release):
        with pytest.raises(InvalidArgument, match="a claim is what"):
            ask(claim)


def test_a_step_of_another_claim_of_the_same_run_is_fenced(
    claim: Claim, journal: Journal, step: Callable[..., Step], clock: HandClock
) -> None:
    run = TaskRun.restore("r", claim)
    claim.release()
    (other,) = journal.claim(owner="a", run="r", now=clock())

    with pytest.raises(StaleRun):
        run.start()

    TaskRun.restore("r", other).start()
