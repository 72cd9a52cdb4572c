"""Earlier results are found, in this process and in the journal."""

from __future__ import annotations

import threading
from typing import Any

import pendulum
import pytest

from fsm import Cache, CorruptJournal, Journal, JournalError, MemoryJournal, Policy, TaskRun
from fsm.errors import InvalidArgument
from fsm.execution.result_cache import Caches
from fsm.states import ambient
from fsm.testing import HandClock
from states import Cached

START = pendulum.datetime(2020, 1, 1)
HOUR = Cache("key", cache_for=3600)
BY_INPUTS = Cache("key", 3600, "all_inputs")


@pytest.fixture(autouse=True)
def stopped(clock: HandClock) -> Any:
    """The clock in force, so that lookups have a present."""
    with ambient.clock(clock):
        yield


def entry(result: Any, minutes: int = 60, **inputs: Any) -> Cached:
    return Cached(
        result=result,
        cached_inputs=inputs,
        cached_result_expiration=START.add(minutes=minutes),
    )


def cached(id: str, journal: Any, clock: HandClock, cache: Cache = HOUR, **inputs: Any) -> TaskRun:
    run = TaskRun(id, journal=journal, clock=clock, policy=Policy(cache=cache))
    run.start(cached_inputs=inputs)
    run.succeed(result=id)
    run.cache()
    return run


class Counted:
    """A journal that counts which histories are read."""

    def __init__(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        steps = type(journal).steps

        def counting(journal: Any, run: str) -> Any:
            self.read.append(run)
            return steps(journal, run)

        monkeypatch.setattr(type(journal), "steps", counting)


def result(found: Cached | None) -> Any:
    return None if found is None else found.result


def test_the_first_valid_entry_is_found() -> None:
    caches = Caches()
    one, other, third = entry(1, x=1), entry(2, x=2), entry(3, x=2)
    for each in (one, other, third):
        caches.add("key", each)

    assert caches.find("key", HOUR) is one
    assert caches.find("key", BY_INPUTS, {"x": 2}) is other
    assert caches.find("key", BY_INPUTS, {"x": 3}) is None
    assert caches.find("other", HOUR) is None


def test_never_use_finds_nothing() -> None:
    caches = Caches()
    caches.add("key", Cached(result=1))

    assert caches.find("key", Cache()) is None
    assert caches.find("key", Cache(validator="never_use", cache_for=60)) is None


def test_expired_entries_are_dropped(clock: HandClock) -> None:
    caches = Caches()
    caches.add("key", entry(1, minutes=1))
    caches.add("key", entry(2, minutes=2))
    clock.advance(minutes=1)
    assert result(caches.find("key", HOUR)) == 2
    clock.advance(minutes=1)
    assert caches.find("key", HOUR) is None

    assert caches._entries == {}


@pytest.mark.parametrize(("key", "value"), [(5, Cached()), (None, Cached()), ("key", None)])
def test_an_entry_that_is_no_cached_state_is_refused(key: Any, value: Any) -> None:
    with pytest.raises(InvalidArgument):
        Caches().add(key, value)


@pytest.mark.parametrize("journal", [None, "runs.db", 5], ids=str)
def test_what_is_no_journal_is_refused(journal: Any) -> None:
    with pytest.raises(InvalidArgument):
        Caches.of(journal)


def test_results_in_the_journal_are_found(journal: Any, clock: HandClock) -> None:
    cached("one", journal, clock, x=1)
    clock.advance(seconds=1)
    cached("two", journal, clock, x=2)

    caches = Caches.of(journal)

    assert result(caches.find("key", HOUR)) == "one"
    assert result(caches.find("key", BY_INPUTS, {"x": 2})) == "two"


def test_later_results_in_the_journal_are_found_too(journal: Any, clock: HandClock) -> None:
    caches = Caches.of(journal)
    assert caches.find("key", HOUR) is None
    cached("late", journal, clock)

    assert result(caches.find("key", HOUR)) == "late"


def test_a_claim_stands_for_its_journal(clock: HandClock) -> None:
    journal = MemoryJournal()
    run = cached("one", journal, clock)
    (claim,) = journal.claim(owner="w", run=run.id)

    assert result(Caches.of(claim).find("key", HOUR)) == "one"


def test_a_run_without_a_cache_key_is_not_found(journal: Any, clock: HandClock) -> None:
    cached("one", journal, clock, Cache(cache_for=3600))

    assert Caches.of(journal).find("one", HOUR) is None


def test_each_history_is_read_once(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    cached("one", journal, clock, x=1)
    counted = Counted(journal, monkeypatch)
    caches = Caches.of(journal)

    for x in (1, 2, 3, 1):
        caches.find("key", BY_INPUTS, {"x": x})
    caches.find("other", HOUR)

    assert counted.read == ["one"]


def test_the_history_of_an_expired_result_is_not_read(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    cached("one", journal, clock)
    clock.advance(hours=1)
    counted = Counted(journal, monkeypatch)

    assert Caches.of(journal).find("key", HOUR) is None
    assert counted.read == []


def test_a_run_that_is_cached_again_is_found_again(journal: Any, clock: HandClock) -> None:
    run = cached("one", journal, clock)
    caches = Caches.of(journal)
    caches.find("key", HOUR)
    clock.advance(hours=1)
    run.expire()
    run.start()
    run.succeed(result="anew")
    run.cache()

    assert result(caches.find("key", HOUR)) == "anew"


def test_a_result_that_cannot_be_read_is_skipped(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = MemoryJournal()
    cached("broken", journal, clock)
    cached("good", journal, clock)
    steps = journal.steps

    def spoilt(run: str) -> Any:
        if run == "broken":
            raise CorruptJournal("step 1 cannot be read")
        return steps(run)

    monkeypatch.setattr(journal, "steps", spoilt)
    caches = Caches.of(journal)

    assert result(caches.find("key", HOUR)) == "good"
    assert caches.find("other", HOUR) is None
    assert caplog.messages == ["the result of run broken cannot be used: step 1 cannot be read"]


def test_a_journal_that_fails_is_asked_again(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    cached("one", journal, clock)
    caches = Caches.of(journal)
    with monkeypatch.context() as broken:
        broken.setattr(journal, "steps", fails)
        with pytest.raises(JournalError):
            caches.find("key", HOUR)

    assert result(caches.find("key", HOUR)) == "one"


def fails(run: str) -> Any:
    raise JournalError("the disk is full")


def test_many_threads_find_the_same_results(clock: HandClock) -> None:
    journal = MemoryJournal()
    for number in range(20):
        cached(f"r{number}", journal, clock, x=number)
    caches, found = Caches.of(journal), []

    def look(number: int) -> None:
        with ambient.clock(clock):
            found.append(result(caches.find("key", BY_INPUTS, {"x": number})) == f"r{number}")

    threads = [threading.Thread(target=look, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 20


def test_one_thread_at_a_time_reads_the_journal(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    cached("one", journal, clock)
    caches, steps = Caches.of(journal), journal.steps
    assert caches._reader is not None
    alone: list[bool] = []
    monkeypatch.setattr(journal, "steps", lambda run: alone.append(locked()) or steps(run))
    locked = caches._reader.lock.locked

    caches.find("key", HOUR)

    assert alone == [True]
    assert not locked()
