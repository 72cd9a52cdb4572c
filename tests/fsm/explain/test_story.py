"""Story: what happened to a run, in sentences; the approved ones are in tests/pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from fsm import (
    Cache,
    Journal,
    MemoryJournal,
    Policy,
    Retry,
    Run,
    StaleRun,
    TaskRun,
    Timeout,
    event,
    open_journal,
)
from fsm.durations import lasting
from fsm.explain.entry import Move
from fsm.explain.phrases import DONE
from fsm.explain.story import read_story
from fsm.journal.records import Record
from fsm.operations.rescuing import rescue
from fsm.testing import HandClock
from states import Failed, Pending, Running, Success

PAGES = Path(__file__).parents[2] / "pages"
POLICY = Policy(
    Retry(2, 30, backoff=2, cap=600, jitter=0.1, within=7200, on=[OSError], max_rescues=1),
    Timeout(300),
    Cache(cache_for=86_400),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path / "runs.db")


def eventful(journal: Journal, clock: HandClock) -> TaskRun:
    """A run that nothing is spared."""
    run = TaskRun("etl/load", journal=journal, clock=clock, policy=POLICY)
    run.schedule(start_time=clock().add(minutes=2))
    clock.advance(minutes=2)
    (first,) = journal.claim(owner="worker-1", lease=60, now=clock())
    lost = TaskRun.restore(first.run, first, clock=clock)
    lost.start()
    clock.advance(seconds=90)
    assert [each.state for each in rescue(journal, now=clock())] == ["Retrying"]
    (second,) = journal.claim(owner="worker-2", lease=600, now=clock())
    run = TaskRun.restore(second.run, second, clock=clock)
    run.start()
    clock.advance(seconds=1.25)
    with pytest.raises(StaleRun):
        lost.succeed(result=1)
    run.fail(result=ConnectionError("reset by peer\nsecond line"))
    run.retry(start_time=clock().add(seconds=30))
    clock.advance(seconds=30)
    run.start()
    clock.advance(seconds=0.2)
    run.pause(message="is [b]this\x1b[31m\nright?")
    clock.advance(hours=26)
    run.resume(message="Approved by ada", context={"approved_by": "ada"})
    run.start()
    return run


def approved(page: str, told: str) -> None:
    path = PAGES / page
    if told != path.read_text("utf-8"):
        print(f"the story has changed; if it is meant, tests/pages/{page} is now:\n{told}")
    assert told.splitlines() == path.read_text("utf-8").splitlines()


def test_the_story_of_an_eventful_run_is_the_approved_one(
    journal: Journal, clock: HandClock
) -> None:
    run = eventful(journal, clock)

    approved("story.txt", f"{read_story(journal, run.id)}\n")


def test_a_run_tells_what_its_journal_tells_but_for_the_claims_of_its_steps(
    journal: Journal, clock: HandClock
) -> None:
    run = eventful(journal, clock)

    own, read = str(run.story()), str(read_story(journal, run.id))

    claim = re.compile(r" \(claim [^)]*\)$", re.MULTILINE)
    assert claim.sub("", own) == claim.sub("", read)


def test_a_run_without_a_journal_has_its_story(clock: HandClock) -> None:
    run = TaskRun("run-1", clock=clock, timeout=60)
    assert run.story().title == "run-1 is Pending and has not moved yet."
    run.start()

    assert str(run.story()) == (
        "run-1 is Running, 1 step after it began.\n"
        "Policy: it is not tried again; an attempt may take 1 min; "
        "a lost worker is replaced 3 times at most.\n\n"
        "2020-01-01 00:00:00.000  attempt 1 of 1 started\n\n"
        "It is running.\nIts time is up at 2020-01-01 00:01:00.000."
    )


WAITS = [
    ("Pending", "It waits to be started."),
    ("Scheduled", "It waits for 2020-01-01 00:10:00.000, to start."),
    ("Paused", "It waits for somebody to resume it."),
    ("Resume", "It waits to be started."),
    ("Running", "It is running."),
    ("Looped", "It waits for its next iteration."),
    ("Mapped", "It waits for its children."),
    ("Retrying", "It waits for 2020-01-01 00:01:00.000, to start."),
    ("Failed", "It has failed; its policy has an attempt left."),
    ("ClientFailed", "It stays in ClientFailed until an event moves it."),
    ("Cached", "It is over, and keeps to 2020-01-01 01:00:00.000."),
    ("Success", "It is over."),
]


@pytest.mark.parametrize(("state", "says"), WAITS)
def test_it_says_what_it_waits_for(state: str, says: str, clock: HandClock, reach: Any) -> None:
    run = reach(state, retry_delay=60, cache_for=3600)
    if state == "Pending":
        run.start()
        run.loop()
        run.iterate()
    if state == "Scheduled":
        run.schedule(start_time=clock().add(minutes=10))
    if state == "Mapped":
        run.map(map_states=[None])

    assert run.story().stands[0] == says


def test_a_pause_with_an_end_says_when(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause(start_time=clock().add(hours=1))

    (says,) = run.story().stands

    assert says == "It waits for somebody to resume it, or for 2020-01-01 01:00:00.000."


def test_used_attempts_are_said(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    run.fail()

    assert run.story().stands == (
        "It has failed, and its attempts are used; only a rerun tries it again.",
    )


def test_what_an_attempt_left_depends_on_is_said(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(1, within=60, on=[OSError])))
    run.start()
    run.fail(result=KeyError("page"))

    assert run.story().stands == (
        "It has failed; its policy has an attempt left, within 1 min, after OSError only.",
    )


def looping(clock: HandClock, rounds: int) -> TaskRun:
    run = TaskRun("run-1", clock=clock)
    run.start()
    for seconds in range(rounds):
        clock.advance(seconds=10 + seconds)
        run.loop(result=seconds)
        run.iterate()
        run.start()
    run.finish()
    return run


def test_of_many_rounds_the_first_one_is_told_with_the_last(clock: HandClock) -> None:
    story = looping(clock, 1000).story()

    assert str(story).splitlines()[3:-2] == [
        "2020-01-01 00:00:00.000  attempt 1 of 1 started",
        "2020-01-01 00:00:10.000  an iteration of its loop ended, after 10 s in Running",
        "2020-01-01 00:00:10.000  the next iteration was due",
        "2020-01-01 00:00:10.000  attempt 1 of 1 went on",
        "                      …  and so on, 998 times more, until 2020-01-06 21:14:51.000",
        "2020-01-06 21:31:40.000  an iteration of its loop ended, after 16 min 49 s in Running",
        "2020-01-06 21:31:40.000  the next iteration was due",
        "2020-01-06 21:31:40.000  attempt 1 of 1 went on",
        "2020-01-06 21:31:40.000  it finished",
    ]
    assert len(story.lines) == 3002


def test_a_few_rounds_are_told_in_full(clock: HandClock) -> None:
    assert "and so on" not in str(looping(clock, 4).story())


def test_what_differs_by_more_than_numbers_is_told_each_time(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=99)
    for name in "abcdefgh":
        run.start()
        run.fail(result=KeyError(name))
        run.retry()

    assert "and so on" not in str(run.story())


def test_an_attempt_that_failed_before_it_began_is_used(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.fail_trigger()

    assert run.story().stands == (
        "It has failed, and its attempts are used; only a rerun tries it again.",
    )


def test_a_claim_says_whose_and_how_long(clock: HandClock) -> None:
    journal = MemoryJournal()
    TaskRun("run-1", clock=clock, journal=journal).schedule()
    journal.claim(owner="worker-1", lease=60, now=clock())

    told = read_story(journal, "run-1")

    assert told.stands[-1] == ("worker-1 has claimed it until 2020-01-01 00:01:00.000 (claim 1).")


def test_an_approval_is_told_once(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause()
    run.resume(context={"approved_by": "ada"})
    run.pause()
    run.resume()

    texts = [line.text for line in run.story().lines]

    assert texts[1] == "it was resumed: Approved by ada"
    assert texts[3] == "it was resumed"


@attrs.frozen(eq=False)
class Parcel(Success):
    weight: int = 3


class Post(Run):
    send = event(Running, source=Pending)
    arrive = event(Parcel, source=Running)


def test_a_class_of_the_users_has_its_story(clock: HandClock) -> None:
    journal = MemoryJournal()
    post = Post("p-1", clock=clock, journal=journal)
    post.send(message="by sea")
    clock.advance(days=40)
    post.arrive()

    told = read_story(journal, "p-1")

    assert told == post.story()
    assert told.policy is None
    assert [line.text for line in told.lines] == [
        "send led from Pending to Running: by sea",
        "arrive led from Running to Parcel, after 40 d in Running: weight = 3",
    ]
    assert told.stands == ("It is over.",)


def test_steps_keep_their_order_whatever_the_clock_says(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    clock.jump(hours=-1)
    run.succeed()

    assert [line.text for line in run.story().lines] == [
        "attempt 1 of 1 started",
        "it succeeded, by a clock that was 1 h behind",
    ]


def test_what_others_wrote_is_one_short_line_that_can_be_printed(clock: HandClock) -> None:
    hostile = "\x1b[2J\u202e\n[red]<script>" + "x" * 10_000
    run = TaskRun("x" * 200, clock=clock)
    run.start()
    run.pause(message=hostile)
    run.resume(context={"approved_by": hostile}, message=hostile)
    run.start()
    run.fail(message=hostile, result=ValueError(hostile))

    told = run.story()

    lines = str(told).splitlines()
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 10
    assert max(map(len, lines)) < 700
    assert json.loads(json.dumps(told.as_data()))["lines"][1]["at"] == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "payload",
    ["{", "[]", "null", '{"context": 7, "_result": [], "run_count": "x"}', "[" * 100_000],
)
def test_a_payload_that_cannot_be_read_says_nothing(payload: str, clock: HandClock) -> None:
    run = TaskRun("run-1", clock=clock)
    run.start()

    move = Move.read(Record.of(run.history[0])._replace(payload=payload))

    assert (move.message, move.error, move.attempts, move.approver) == (None, None, None, None)


def test_attempts_are_counted_as_the_run_does(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.start()
    run.fail()
    run.retry()
    run.queue()
    run.start()
    run.loop()
    run.iterate()
    run.start()

    told = [line.text for line in run.story().lines if line.event == "start"]

    assert run.attempts == 2
    assert told == ["attempt 1 of 2 started", "attempt 2 of 2 started", "attempt 2 of 2 went on"]


@attrs.frozen
class Sealed(Failed):
    """Failed, and not to be touched until somebody has looked."""

    reason: str = ""
    level: int = 0
    seen: Any = None


class CarefulRun(TaskRun):
    quarantine = event(Sealed, source=Failed)


@pytest.mark.parametrize(
    "seen", [None, [1], 10**5000, "b\x1b[1mold"], ids=["", "list", "huge", "raw"]
)
def test_what_a_state_of_the_users_carries_is_told(seen: Any, clock: HandClock) -> None:
    run = CarefulRun("c", clock=clock)
    run.start()
    run.fail()
    run.quarantine(reason="sensor 7", level=3, seen=seen, message="hot")

    said = run.story().lines[-1].text

    besides = "hot; level = 3; reason = sensor 7" + "; seen = b[1mold" * (type(seen) is str)
    assert said == f"quarantine led from Failed to Sealed: {besides}"


def test_what_it_carries_is_told_of_a_journal_alike(journal: Journal, clock: HandClock) -> None:
    run = CarefulRun("c", clock=clock, journal=journal)
    run.start()
    run.fail()
    run.quarantine(reason="sensor 7", level=3, seen=(1, 2))

    assert read_story(journal, "c").lines == run.story().lines


def test_every_row_of_the_table_has_its_sentence() -> None:
    edges = {(edge.event, edge.dest.__name__) for edge in TaskRun.lifecycle.edges}

    assert edges == set(DONE)


@pytest.mark.parametrize(
    ("micros", "said"),
    [
        (0, "0 ms"),
        (999_999, "999 ms"),
        (1_000_000, "1 s"),
        (59_999_999, "59.9 s"),
        (60_000_000, "1 min"),
        (3_599_000_000, "59 min 59 s"),
        (3_600_000_000, "1 h"),
        (48 * 3_600_000_000, "2 d"),
        (50 * 3_600_000_000, "2 d 2 h"),
    ],
)
def test_a_length_of_time_is_rounded_down(micros: int, said: str) -> None:
    assert lasting(micros) == said
