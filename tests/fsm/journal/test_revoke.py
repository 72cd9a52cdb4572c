"""Revoke: the claim of a lost worker ends before its lease does."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from fsm import StaleRun, TaskRun
from fsm.errors import InvalidArgument
from fsm.journal import Claim, Journal
from fsm.testing import HandClock


@pytest.fixture
def claim(journal: Journal, clock: HandClock) -> Claim:
    """The claim that worker `dead` has on run `r`, which it has started, for a minute."""
    TaskRun("r", journal=journal, clock=clock).submit()
    (made,) = journal.claim(run="r", owner="dead", lease=60, now=clock())
    TaskRun.restore("r", made, clock=clock).start()
    return made


def test_a_run_whose_claim_is_revoked_can_be_claimed(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    assert journal.claim(run="r", owner="next", now=clock()) == []

    assert journal.revoke("r", owner="dead", now=clock())

    assert [each.run for each in journal.find_lapsed(clock())] == ["r"]
    (taken,) = journal.claim(run="r", owner="next", now=clock())
    assert (taken.epoch, journal.summary("r").owner) == (2, "next")


def test_a_claim_after_a_revoke_supersedes_the_revoked_one(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    ghost = TaskRun.restore("r", claim, clock=clock)
    journal.revoke("r", owner="dead", now=clock())
    journal.claim(run="r", owner="next", now=clock())

    with pytest.raises(StaleRun, match=r"claimed by 'next' \(claim 2, not 1\)"):
        ghost.succeed()
    with pytest.raises(StaleRun):
        claim.heartbeat(now=clock())


def test_a_worker_whose_claim_was_revoked_by_mistake_goes_on(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    journal.revoke("r", owner="dead", now=clock())

    claim.heartbeat(60, now=clock())

    assert journal.claim(run="r", owner="next", now=clock()) == []
    TaskRun.restore("r", claim, clock=clock).succeed()


def test_the_claim_of_another_owner_is_not_revoked(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    assert not journal.revoke("r", owner="other", now=clock())

    assert journal.claim(run="r", owner="next", now=clock()) == []


def test_a_claim_that_was_taken_over_is_not_revoked(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    clock.advance(seconds=60)
    journal.claim(run="r", owner="next", lease=60, now=clock())

    assert not journal.revoke("r", owner="dead", now=clock())

    assert list(journal.find_lapsed(clock())) == []


def test_a_released_claim_is_not_revoked(claim: Claim, journal: Journal, clock: HandClock) -> None:
    claim.release()

    assert not journal.revoke("r", owner="dead", now=clock())


def test_a_lease_that_has_lapsed_stays_as_it_was(
    claim: Claim, journal: Journal, clock: HandClock
) -> None:
    before = journal.summary("r")
    clock.advance(minutes=5)

    assert journal.revoke("r", owner="dead", now=clock())

    assert journal.summary("r") == before


@pytest.mark.parametrize("id", ["x", "", "\0", "\ud800"], ids=repr)
def test_the_claim_of_an_unknown_run_is_not_revoked(id: str, journal: Journal) -> None:
    assert not journal.revoke(id, owner="dead")


@pytest.mark.parametrize("id", [None, 5, b"r"], ids=repr)
def test_another_thing_than_an_id_is_refused(id: Any, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="a run is named by its id"):
        journal.revoke(id, owner="dead")


@pytest.mark.parametrize("owner", ["", None, 5, "\n"], ids=repr)
def test_an_odd_owner_is_refused(owner: Any, claim: Claim, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="owner"):
        journal.revoke("r", owner=owner)


def test_an_odd_time_is_refused(claim: Claim, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="aware datetime"):
        journal.revoke("r", owner="dead", now=datetime.datetime(2020, 1, 1))
