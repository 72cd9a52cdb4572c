"""Stories of runs, in sentences. The approved one is in tests/pages."""

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
from fsm.explain import StoryEntry, read_story
from fsm.explain.wording import STEP_PHRASES
from fsm.journal.records import Record
from fsm.operations import rescue
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
    """A run that has a lost worker, a late result, a failure, a retry and an approval."""
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


def check_approved(page: str, story: str) -> None:
    path = PAGES / page
    if story != path.read_text("utf-8"):
        print(f"the story has changed; if that is intended, tests/pages/{page} is now:\n{story}")
    assert story.splitlines() == path.read_text("utf-8").splitlines()


def test_the_story_of_an_eventful_run_is_the_approved_one(
    journal: Journal, clock: HandClock
) -> None:
    run = eventful(journal, clock)

    check_approved("story.txt", f"{read_story(journal, run.id)}\n")


def test_the_story_of_a_run_is_that_of_its_journal_without_the_claims(
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
        "Policy: it is not retried; an attempt may take 1 min; "
        "a lost worker is replaced 3 times at most.\n\n"
        "2020-01-01 00:00:00.000  attempt 1 of 1 started\n\n"
        "It is running.\nIt times out at 2020-01-01 00:01:00.000."
    )


WAITS = [
    ("Pending", "It waits to be started."),
    ("Scheduled", "It waits until 2020-01-01 00:10:00.000 to start."),
    ("Paused", "It waits to be resumed."),
    ("Resume", "It waits to be started."),
    ("Running", "It is running."),
    ("Looped", "It waits for its next iteration."),
    ("Mapped", "It waits for its children."),
    ("Retrying", "It waits until 2020-01-01 00:01:00.000 to start."),
    ("Failed", "It has failed; its policy allows another attempt."),
    ("ClientFailed", "It stays in ClientFailed until an event moves it."),
    ("Cached", "It has finished; its result is cached until 2020-01-01 01:00:00.000."),
    ("Success", "It has finished."),
]


@pytest.mark.parametrize(("state", "says"), WAITS)
def test_the_status_says_what_a_run_waits_for(
    state: str, says: str, clock: HandClock, reach: Any
) -> None:
    run = reach(state, retry_delay=60, cache_for=3600)
    if state == "Pending":
        run.start()
        run.loop()
        run.iterate()
    if state == "Scheduled":
        run.schedule(start_time=clock().add(minutes=10))
    if state == "Mapped":
        run.map(map_states=[None])

    assert run.story().status[0] == says


def test_the_status_of_a_pause_says_when_it_ends(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause(start_time=clock().add(hours=1))

    (says,) = run.story().status

    assert says == "It waits to be resumed, or until 2020-01-01 01:00:00.000."


def test_the_status_says_that_no_attempts_are_left(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    run.fail()

    assert run.story().status == (
        "It has failed and has no attempts left; only a rerun starts it again.",
    )


def test_the_status_says_what_another_attempt_depends_on(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(1, within=60, on=[OSError])))
    run.start()
    run.fail(result=KeyError("page"))

    assert run.story().status == (
        "It has failed; its policy allows another attempt, within 1 min, after OSError only.",
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


def test_of_many_repetitions_the_first_and_the_last_are_printed(clock: HandClock) -> None:
    story = looping(clock, 1000).story()

    assert str(story).splitlines()[3:-2] == [
        "2020-01-01 00:00:00.000  attempt 1 of 1 started",
        "2020-01-01 00:00:10.000  an iteration of its loop ended, after 10 s in Running",
        "2020-01-01 00:00:10.000  the next iteration was due",
        "2020-01-01 00:00:10.000  attempt 1 of 1 continued",
        "                      …  repeated 998 more times, until 2020-01-06 21:14:51.000",
        "2020-01-06 21:31:40.000  an iteration of its loop ended, after 16 min 49 s in Running",
        "2020-01-06 21:31:40.000  the next iteration was due",
        "2020-01-06 21:31:40.000  attempt 1 of 1 continued",
        "2020-01-06 21:31:40.000  it finished",
    ]
    assert len(story.lines) == 3002


def test_a_few_repetitions_are_printed_in_full(clock: HandClock) -> None:
    assert "more times" not in str(looping(clock, 4).story())


def test_lines_that_differ_by_more_than_numbers_are_not_folded(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=99)
    for name in "abcdefgh":
        run.start()
        run.fail(result=KeyError(name))
        run.retry()

    assert "more times" not in str(run.story())


def test_an_attempt_that_failed_before_it_began_is_counted(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.fail_trigger()

    assert run.story().status == (
        "It has failed and has no attempts left; only a rerun starts it again.",
    )


def test_the_status_names_the_owner_and_the_end_of_a_claim(clock: HandClock) -> None:
    journal = MemoryJournal()
    TaskRun("run-1", clock=clock, journal=journal).schedule()
    journal.claim(owner="worker-1", lease=60, now=clock())

    story = read_story(journal, "run-1")

    assert story.status[-1] == ("worker-1 has claimed it until 2020-01-01 00:01:00.000 (claim 1).")


def test_an_approval_is_mentioned_once(clock: HandClock) -> None:
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


def test_a_users_class_has_a_story(clock: HandClock) -> None:
    journal = MemoryJournal()
    post = Post("p-1", clock=clock, journal=journal)
    post.send(message="by sea")
    clock.advance(days=40)
    post.arrive()

    story = read_story(journal, "p-1")

    assert story == post.story()
    assert story.policy is None
    assert [line.text for line in story.lines] == [
        "send led from Pending to Running: by sea",
        "arrive led from Running to Parcel, after 40 d in Running: weight = 3",
    ]
    assert story.status == ("It has finished.",)


def test_steps_keep_their_order_when_the_clock_is_set_back(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    clock.jump(hours=-1)
    run.succeed()

    assert [line.text for line in run.story().lines] == [
        "attempt 1 of 1 started",
        "it succeeded, by a clock that was 1 h behind",
    ]


def test_hostile_text_becomes_one_short_printable_line(clock: HandClock) -> None:
    hostile = "\x1b[2J\u202e\n[red]<script>" + "x" * 10_000
    run = TaskRun("x" * 200, clock=clock)
    run.start()
    run.pause(message=hostile)
    run.resume(context={"approved_by": hostile}, message=hostile)
    run.start()
    run.fail(message=hostile, result=ValueError(hostile))

    story = run.story()

    lines = str(story).splitlines()
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 10
    assert max(map(len, lines)) < 700
    assert json.loads(json.dumps(story.as_data()))["lines"][1]["at"] == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "payload",
    ["{", "[]", "null", '{"context": 7, "_result": [], "run_count": "x"}', "[" * 100_000],
)
def test_a_payload_that_cannot_be_read_adds_nothing(payload: str, clock: HandClock) -> None:
    run = TaskRun("run-1", clock=clock)
    run.start()

    entry = StoryEntry.from_record(Record.of(run.history[0])._replace(payload=payload))

    assert (entry.message, entry.error, entry.attempts, entry.approver) == (None, None, None, None)


def test_attempts_are_counted_as_the_run_counts_them(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.start()
    run.fail()
    run.retry()
    run.queue()
    run.start()
    run.loop()
    run.iterate()
    run.start()

    story = [line.text for line in run.story().lines if line.event == "start"]

    assert run.attempts == 2
    assert story == ["attempt 1 of 2 started", "attempt 2 of 2 started", "attempt 2 of 2 continued"]


@attrs.frozen
class Sealed(Failed):
    """Failed, and kept for inspection."""

    reason: str = ""
    level: int = 0
    seen: Any = None


class CarefulRun(TaskRun):
    quarantine = event(Sealed, source=Failed)


@pytest.mark.parametrize(
    "seen", [None, [1], 10**5000, "b\x1b[1mold"], ids=["", "list", "huge", "raw"]
)
def test_fields_of_a_users_state_are_shown(seen: Any, clock: HandClock) -> None:
    run = CarefulRun("c", clock=clock)
    run.start()
    run.fail()
    run.quarantine(reason="sensor 7", level=3, seen=seen, message="hot")

    text = run.story().lines[-1].text

    details = "hot; level = 3; reason = sensor 7" + "; seen = b[1mold" * (type(seen) is str)
    assert text == f"quarantine led from Failed to Sealed: {details}"


def test_fields_of_a_users_state_are_read_from_a_journal(
    journal: Journal, clock: HandClock
) -> None:
    run = CarefulRun("c", clock=clock, journal=journal)
    run.start()
    run.fail()
    run.quarantine(reason="sensor 7", level=3, seen=(1, 2))

    assert read_story(journal, "c").lines == run.story().lines


def test_every_row_of_the_table_has_a_phrase() -> None:
    edges = {(edge.event, edge.dest.__name__) for edge in TaskRun.lifecycle.edges}

    assert edges == set(STEP_PHRASES)
