"""Heartbeat: a thread renews leases, and knows when it was late."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fsm import JournalError, StaleRun, TaskRun
from fsm.errors import InvalidArgument
from fsm.journal import Claim, Heartbeat
from fsm.states import ambient, moment


class Seconds:
    """A steady clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """A steady clock."""
    return Seconds()


@pytest.fixture
def claim(journal: Any) -> Claim:
    """The claim of one run, for a minute from now."""
    TaskRun("r", journal=journal).submit()
    (claim,) = journal.claim(owner="worker", lease=60)
    return claim


def test_a_beat_renews_the_lease(claim: Claim, seconds: Seconds) -> None:
    before = claim.until
    heartbeat = Heartbeat([claim], lease=600, steady=seconds)

    heartbeat.beat()

    assert claim.until > before
    assert claim.journal.summary("r").lease == moment.to_micros(claim.until)
    assert heartbeat.holds(claim)
    assert heartbeat.lost == []


def test_a_claim_that_was_taken_is_lost_and_not_renewed_again(
    claim: Claim, seconds: Seconds
) -> None:
    later = moment.from_micros(ambient.micros() + 120_000_000)
    (taken,) = claim.journal.claim(run="r", owner="other", now=later)
    heartbeat = Heartbeat([claim], lease=60, steady=seconds)

    heartbeat.beat()
    heartbeat.beat()

    assert heartbeat.lost == [claim]
    assert not heartbeat.holds(claim)
    assert claim.journal.summary("r").owner == taken.owner


def test_a_late_beat_measures_its_lateness(claim: Claim, seconds: Seconds) -> None:
    heartbeat = Heartbeat([claim], lease=60, steady=seconds)

    seconds.now = 20.0 + 100.0  # the beat was due after a third of the lease
    assert not heartbeat.holds(claim)
    heartbeat.beat()

    assert heartbeat.lateness == 100.0
    assert heartbeat.holds(claim)  # no one else had claimed it


def test_a_claim_is_not_lost_while_the_journal_cannot_be_reached(
    claim: Claim, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat([claim], lease=60, steady=seconds)

    def away(*_: Any, **__: Any) -> int:
        raise JournalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(claim.journal, "renew", away)
        seconds.now = 20.0
        heartbeat.beat()
        assert heartbeat.holds(claim)
        seconds.now = 61.0
        assert not heartbeat.holds(claim)
    heartbeat.beat()

    assert heartbeat.holds(claim)
    assert heartbeat.lost == []


def test_the_thread_beats_until_the_block_ends(claim: Claim) -> None:
    beaten = threading.Event()

    class Heard(Heartbeat):
        def beat(self) -> None:
            super().beat()
            beaten.set()

    with Heard([claim], lease=0.03) as heartbeat:
        assert beaten.wait(10)

    assert heartbeat.lost == []
    assert "fsm-heartbeat" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("lease", [0, -1, True, "60", None, float("nan")], ids=repr)
def test_a_lease_is_a_number_of_seconds_above_0(lease: Any) -> None:
    with pytest.raises(InvalidArgument, match="a lease is"):
        Heartbeat([], lease=lease)


def test_an_added_claim_is_renewed(claim: Claim, seconds: Seconds) -> None:
    before = claim.until
    heartbeat = Heartbeat((), lease=600, steady=seconds)

    heartbeat.add(claim)
    assert heartbeat.holds(claim)
    heartbeat.beat()

    assert claim.until > before


def test_a_removed_claim_is_not_renewed(claim: Claim, seconds: Seconds) -> None:
    heartbeat = Heartbeat([claim], lease=600, steady=seconds)

    heartbeat.remove(claim)
    heartbeat.remove(claim)
    claim.release()
    heartbeat.beat()

    assert not heartbeat.holds(claim)
    assert heartbeat.lost == []


def test_a_claim_that_is_released_while_it_is_renewed_is_not_lost(
    claim: Claim, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat([claim], lease=600, steady=seconds)

    def meanwhile(*args: object) -> None:
        heartbeat.remove(claim)
        raise StaleRun("r", 2, "released")

    monkeypatch.setattr(Claim, "heartbeat", meanwhile)
    heartbeat.beat()

    assert heartbeat.lost == []
