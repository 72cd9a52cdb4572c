"""The lifecycle with its traffic, and how often it is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fsm import Run, TaskRun, event, open_journal
from fsm.diagrams import heat
from fsm.diagrams.build import graph
from fsm.diagrams.graph_model import StateGraph
from fsm.errors import JournalError
from fsm.journal import Journal
from fsm.testing import HandClock
from fsm.web.classes import KnownClasses
from fsm.web.heat import HeatPictures, traffic_graph
from fsm.web.source import Source
from states import Finished, Pending, Running


class Order(Run):
    """A lifecycle of its own."""

    start = event(Running, source=Pending)
    finish = event(Finished, source=Running)


ORDER = f"{Order.__module__}:Order"


@pytest.fixture
def kept(tmp_path: Path) -> Journal:
    journal, clock = open_journal(tmp_path / "runs.db"), HandClock()
    for place in range(3):
        order = Order(f"order-{place}", journal=journal, clock=clock)
        order.start()
        clock.advance(seconds=2)
        if place:
            order.finish()
    return journal


def said(shown: StateGraph | None) -> dict[str, tuple[str, ...]]:
    assert shown is not None
    return {node.name: node.notes for node in shown.nodes}


def taken(shown: StateGraph | None) -> Counter[str]:
    assert shown is not None
    times: Counter[str] = Counter()
    for label in (label for edge in shown.edges for label in edge.labels):
        times[label.event] += label.times
    return times


def test_states_say_how_long_a_stay_was_and_not_how_many_stay(kept: Journal) -> None:
    shown, name = traffic_graph(kept, KnownClasses((Order,)), ORDER)

    assert name == "Order"
    assert said(shown) == {"Pending": (), "Running": ("2 s each",), "Finished": ()}
    assert taken(shown) == {"start": 3, "finish": 2}


def test_the_busiest_state_glows(kept: Journal) -> None:
    shown, _ = traffic_graph(kept, KnownClasses((Order,)), ORDER)

    assert shown is not None
    heats = {node.name: node.heat for node in shown.nodes}
    assert (heats["Finished"], heats["Pending"]) == (1.0, 0.0)
    assert 0 < (heats["Running"] or 0) < 1


def test_a_kind_without_a_class_has_the_same(kept: Journal) -> None:
    named, _ = traffic_graph(kept, KnownClasses((Order,)), ORDER)
    shown, name = traffic_graph(kept, KnownClasses((TaskRun,)), ORDER)

    assert name is None
    assert (said(shown), taken(shown)) == (said(named), taken(named))


def test_other_kinds_are_not_counted(kept: Journal) -> None:
    TaskRun("task", journal=kept).start()

    assert taken(traffic_graph(kept, KnownClasses((Order,)), ORDER)[0])["start"] == 3
    assert taken(traffic_graph(kept, KnownClasses((TaskRun,)), "")[0])["start"] == 4


def test_a_kind_that_nothing_is_recorded_of_has_no_picture(kept: Journal) -> None:
    assert traffic_graph(kept, KnownClasses((Order,)), "nobody:Nothing") == (None, None)


def test_the_families_stay_as_they_are(kept: Journal) -> None:
    shown = graph(TaskRun)

    hot = heat(shown, kept.traffic(), now=False)

    assert [(box.name, [node.name for node in box.nodes]) for box in hot.clusters] == [
        (box.name, [node.name for node in box.nodes]) for box in shown.clusters
    ]
    assert hot.expand() == shown.expand()
    assert all(node in hot.nodes for box in hot.clusters for node in box.nodes)


# How seldom it is counted.


class Counted:
    """Opens a journal, and knows how often its steps were counted."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.times = journal, 0

    @contextmanager
    def __call__(self) -> Iterator[Journal]:
        yield self.journal

    def known(self) -> KnownClasses:
        outer = self

        class Counting(KnownClasses):
            def find_drawable(self, journal: Journal, kind: str) -> type[Run] | StateGraph | None:
                outer.times += 1
                return super().find_drawable(journal, kind)

        return Counting((Order,))


@pytest.fixture
def counted(kept: Journal) -> Counted:
    return Counted(kept)


def test_it_is_counted_once_for_a_snapshot(counted: Counted) -> None:
    heat = HeatPictures(Source(counted), counted.known(), rest=0.0)

    answers = [heat.get(ORDER, 1) for _ in range(5)]

    assert (answers[0]["version"], answers[0]["name"]) == (1, "Order")
    assert answers == [answers[0]] * 5
    assert counted.times == 1


def test_it_is_good_for_a_while_whatever_happens(counted: Counted) -> None:
    heat = HeatPictures(Source(counted), counted.known(), rest=3600.0)

    versions = [heat.get(ORDER, version)["version"] for version in (1, 2, 3)]

    assert (versions, counted.times) == ([1, 1, 1], 1)


def test_kinds_have_their_own(counted: Counted) -> None:
    heat = HeatPictures(Source(counted), counted.known())

    assert heat.get("", 1)["diagram"]
    assert heat.get("nobody:Nothing", 1)["diagram"] is None


def test_many_kinds_are_forgotten(counted: Counted) -> None:
    heat = HeatPictures(Source(counted), counted.known())
    for place in range(200):
        heat.get(f"nobody:Nothing{place}", 1)

    assert len(heat._pictures) < 100


def test_where_the_journal_is_away_nothing_is_kept(tmp_path: Path) -> None:
    @contextmanager
    def gone() -> Iterator[Journal]:
        raise JournalError("it is not there")
        yield

    heat = HeatPictures(Source(gone), KnownClasses((Order,)))

    with pytest.raises(JournalError):
        heat.get("", 1)
    assert heat._pictures == {}
