"""Kinds: a worker claims only runs of its classes."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fsm import Run, TaskRun, event
from fsm.errors import InvalidArgument
from fsm.journal import Claim, Journal
from fsm.testing import HandClock
from states import Pending, Running, Scheduled


class Order(Run):
    schedule = event(Scheduled, source=Pending)
    start = event(Running, source=Pending)


class Urgent(Order):
    pass


class Quoted(Order):
    __qualname__ = """'"] OR 1 = 1 --"""


@pytest.fixture
def mixed(journal: Journal, clock: HandClock) -> Journal:
    """A journal with due runs of four classes."""
    for id, cls in {"order": Order, "quoted": Quoted, "task": TaskRun, "urgent": Urgent}.items():
        cls(id, journal=journal, clock=clock).trigger("schedule", start_time=clock())
    return journal


def ids(claims: list[Claim]) -> list[str]:
    return [claim.run for claim in claims]


@pytest.mark.parametrize(
    ("kinds", "claimed"),
    [
        ([TaskRun], ["task"]),
        ((Order, TaskRun), ["order", "task"]),
        ({Urgent}, ["urgent"]),
        ((Quoted, Quoted), ["quoted"]),
        ([Run], []),
        ([], []),
        (None, ["order", "quoted", "task", "urgent"]),
    ],
    ids=["one", "two", "a subclass", "a name that is SQL", "another", "none", "any"],
)
def test_only_runs_of_these_classes_are_claimed_not_of_subclasses(
    kinds: Any, claimed: list[str], mixed: Journal, clock: HandClock
) -> None:
    assert ids(mixed.claim(9, owner="w", kinds=kinds, now=clock())) == claimed


def test_the_limit_counts_only_runs_of_these_classes(mixed: Journal, clock: HandClock) -> None:
    assert ids(mixed.claim(1, owner="w", kinds=[Urgent], now=clock())) == ["urgent"]
    assert ids(mixed.claim(1, owner="w", kinds=[Urgent], now=clock())) == []


def test_one_run_is_claimed_only_if_it_is_of_these_classes(
    mixed: Journal, clock: HandClock
) -> None:
    assert mixed.claim(owner="w", run="task", kinds=[Order], now=clock()) == []
    assert ids(mixed.claim(owner="w", run="task", kinds=[TaskRun], now=clock())) == ["task"]


def test_classes_may_come_from_a_generator(mixed: Journal, clock: HandClock) -> None:
    kinds = (cls for cls in (Order, TaskRun))

    assert ids(mixed.claim(9, owner="w", kinds=kinds, now=clock())) == ["order", "task"]


def test_threads_claim_different_runs_of_one_kind(journal: Journal, clock: HandClock) -> None:
    for number in range(40):
        cls = (TaskRun, Order)[number % 2]
        cls(f"r{number}", journal=journal, clock=clock).trigger("schedule", start_time=clock())

    def claim(number: int) -> list[str]:
        return ids(journal.claim(3, owner=f"w{number}", kinds=[Order], now=clock()))

    with ThreadPoolExecutor(8) as threads:
        claimed = [id for found in threads.map(claim, range(10)) for id in found]

    # One that was passed over, for another held it, is left for the next to ask.
    claimed += ids(journal.claim(40, owner="last", kinds=[Order], now=clock()))
    assert sorted(claimed) == sorted(f"r{number}" for number in range(1, 40, 2))


def test_runs_without_a_class_are_of_no_kind(journal: Journal, clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.schedule(start_time=clock())
    journal.extend(run.history)

    assert journal.claim(owner="w", kinds=[TaskRun], now=clock()) == []
    assert ids(journal.claim(owner="w", now=clock())) == ["r"]


@pytest.mark.parametrize(
    "kinds",
    [TaskRun, 5, "fsm:TaskRun", [None], ["fsm:TaskRun"], [Pending], [[TaskRun]]],
)
def test_what_is_no_class_of_runs_is_refused(kinds: Any, mixed: Journal, clock: HandClock) -> None:
    with pytest.raises(InvalidArgument, match="class"):
        mixed.claim(9, owner="w", kinds=kinds, now=clock())

    assert [each.run for each in mixed.find_lapsed(clock() + datetime.timedelta(days=1))] == []
