"""What is drawn for runs: their known class, or else what the journal records."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from fsm import MemoryJournal, Run, TaskRun, event, open_journal
from fsm.diagrams import StateGraph
from fsm.diagrams.build import graph_of_run
from fsm.errors import UnknownRun
from fsm.journal import Journal
from fsm.lifecycle.refusal import Refusal
from fsm.testing import HandClock
from fsm.web import report
from fsm.web.classes import KnownClasses
from fsm.web.recorded import graph_of_edges, graph_of_steps
from fsm.web.views import Query, history, lifecycle, overview, row_of, timeline
from fsm.web.watch import Snapshot
from states import Finished, Pending, Running


class Order(Run):
    """A lifecycle of its own."""

    start = event(Running, source=Pending)
    finish = event(Finished, source=Running)


class Load(TaskRun):
    """A task run under a name of its own."""


@pytest.fixture
def kept(tmp_path: Path) -> Journal:
    """A journal of runs of three classes."""
    journal, clock = open_journal(tmp_path / "runs.db"), HandClock()
    TaskRun("task", journal=journal, clock=clock).start()
    Load("load", journal=journal, clock=clock).start()
    order = Order("order", journal=journal, clock=clock)
    order.start()
    clock.advance(seconds=1)
    order.finish()
    return journal


def snapshot(journal: Journal) -> Snapshot:
    return Snapshot(1, tuple(journal.runs())[::-1])


def test_the_class_that_was_named_is_drawn(kept: Journal) -> None:
    known = KnownClasses((TaskRun, Order))

    assert known.find_drawable(kept, Order.__module__ + ":Order") is Order
    assert known.find_drawable(kept, "") is TaskRun


def test_a_kind_with_the_table_of_a_class_is_drawn_as_that_class(kept: Journal) -> None:
    assert KnownClasses((Order, TaskRun)).find_drawable(kept, f"{Load.__module__}:Load") is TaskRun


def test_a_kind_with_a_table_of_its_own_is_drawn_as_recorded(kept: Journal) -> None:
    drawn = KnownClasses((TaskRun,)).find_drawable(kept, f"{Order.__module__}:Order")

    assert isinstance(drawn, StateGraph)
    ways = {(edge.source.name, edge.labels[0].event, edge.dest.name) for edge in drawn.edges}
    assert ways == {("Pending", "start", "Running"), ("Running", "finish", "Finished")}


def test_a_kind_that_nothing_is_recorded_of_is_not_drawn(kept: Journal) -> None:
    assert KnownClasses((TaskRun,)).find_drawable(kept, "nobody:Nothing") is None
    assert lifecycle(None) == {"diagram": None, "name": None}


def test_no_class_is_imported_because_a_journal_names_it(kept: Journal) -> None:
    known = KnownClasses((TaskRun,))

    known.find_drawable(kept, "this.py:Anything")
    known.find_drawable(kept, "antigravity:Anything")

    assert not {"this", "antigravity"} & sys.modules.keys()


def test_a_run_is_restored_as_what_it_is(kept: Journal) -> None:
    known = KnownClasses((TaskRun, Order))

    assert type(known.restore(kept, "order")) is Order
    assert type(known.restore(kept, "load")) is TaskRun
    assert KnownClasses((TaskRun,)).restore(kept, "order") is None
    with pytest.raises(UnknownRun):
        known.restore(kept, "nobody")


def test_states_are_counted_by_kind(kept: Journal) -> None:
    said = overview(snapshot(kept), KnownClasses((TaskRun,)))

    counted = {kind["name"].rpartition(":")[2]: kind["counts"] for kind in said["kinds"]}
    assert counted == {"TaskRun": {"Running": 1}, "Load": {"Running": 1}, "Order": {"Finished": 1}}


# Pictures of what is recorded.


def ran(id: str, journal: Journal, times: int) -> None:
    run = TaskRun(id, journal=journal, clock=HandClock(), max_retries=times)
    run.start()
    for _ in range(times):
        run.fail()
        run.retry()
        run.start()


def test_the_graph_of_steps_shows_where_a_run_has_been() -> None:
    journal = MemoryJournal()
    ran("load", journal, 2)

    drawn = graph_of_steps(journal.records("load"))

    assert drawn is not None
    assert {node.name: node.visits for node in drawn.nodes} == {
        "Pending": 1, "Running": 3, "Failed": 2, "Retrying": 2,
    }  # fmt: skip
    assert [node.name for node in drawn.nodes if node.current] == ["Running"]
    assert [edge.lines for edge in drawn.edges] == [
        ("1: start",),
        ("2, 5: fail (2\N{MULTIPLICATION SIGN})",),
        ("3, 6: retry (2\N{MULTIPLICATION SIGN})",),
        ("4, 7: start (2\N{MULTIPLICATION SIGN})",),
    ]


def test_runs_with_equal_paths_share_a_graph() -> None:
    journal = MemoryJournal()
    for id in ("one", "other"):
        ran(id, journal, 1)
    ran("another", journal, 2)

    one, other, another = (
        graph_of_steps(journal.records(id)) for id in ("one", "other", "another")
    )

    assert one == other
    assert hash(one) == hash(other)
    assert one != another


def notes(drawn: StateGraph | None) -> dict[str, tuple[str, ...]]:
    assert drawn is not None
    return {node.name: node.notes for node in drawn.nodes if node.notes}


def test_the_graph_of_steps_notes_refusals_as_other_pictures_do() -> None:
    journal = MemoryJournal()
    ran("load", journal, 2)
    for seq, name in enumerate(("resume", "retry", "resume", "map", "rerun", "loop"), 1):
        journal.note_refusal(Refusal("load", seq, name, "Running", seq, "no"))
    journal.note_refusal(Refusal("load", 2, "pause", "Failed", 2, "no"))
    refusals = list(journal.refusals("load"))

    found = notes(graph_of_steps(journal.records("load"), refusals))

    assert found["Failed"] == ("refused: pause",)
    assert found["Running"][0] == "refused: resume (2\N{MULTIPLICATION SIGN})"
    assert found["Running"][-1] == "and 2 others"
    assert found == notes(graph_of_run(TaskRun.restore("load", journal), refusals))


def paths(journal: Journal) -> tuple[dict[str, int], list[str]]:
    found = re.search(r'id="data">(.*?)</script>', report(journal, TaskRun), re.DOTALL)
    assert found is not None
    said = json.loads(found[1])["paths"]
    return said["of_run"], said["pictures"]


def test_in_a_report_a_run_that_was_refused_something_has_its_own_picture() -> None:
    pytest.importorskip("pygraphviz")
    journal = MemoryJournal()
    for id in ("one", "other", "refused"):
        ran(id, journal, 1)
    journal.note_refusal(Refusal("refused", 1, "resume", "Running", 1, "no"))

    went, pictures = paths(journal)

    assert went["one"] == went["other"] != went["refused"]
    assert ["refused: resume" in each for each in pictures] == [True, False]


def test_a_report_has_no_room_for_all_that_was_refused_but_for_the_way() -> None:
    journal = MemoryJournal()
    ran("bare", journal, 1)
    for place in range(100):
        ran(f"refused {place}", journal, 1)
        journal.note_refusal(Refusal(f"refused {place}", 1, f"e{place}", "Running", 1, "no"))

    went, pictures = paths(journal)

    assert len(went) == 101
    assert len(pictures) == 51


def test_what_no_picture_can_show_is_not_drawn() -> None:
    assert graph_of_steps(()) is None
    assert graph_of_edges(()) is None
    assert graph_of_edges((f"A{n}", "go", f"B{n}") for n in range(1000)) is None


# What is said of runs.


def test_known_steps_of_a_run_are_not_sent_again(kept: Journal) -> None:
    assert [step["event"] for step in history(kept, "order", 1)["steps"]] == ["finish"]
    assert history(kept, "order", 2)["steps"] == []


def test_of_very_many_steps_the_last_are_sent() -> None:
    journal = MemoryJournal()
    ran("load", journal, 200)

    said = history(journal, "load")

    assert (len(said["steps"]), said["left_out"]) == (500, 101)
    assert said["steps"][-1]["seq"] == 601


def test_a_list_has_no_room_for_a_novel(kept: Journal) -> None:
    TaskRun("novel", journal=kept).start(message="x" * 1_000_000)

    said = row_of(kept.summary("novel"))["message"]

    assert len(said) < 400
    assert "1000000 characters" in said


def test_runs_are_drawn_over_time(kept: Journal) -> None:
    found = Query(search="o").select(snapshot(kept))

    drawn = timeline(kept, found)

    assert {"order", "load"} == {run.run for run in found}
    assert re.findall(r"<g><title>(\w+):", drawn) == ["load", "order"]


# The report.


def embedded(text: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_report_has_a_picture_for_each_way_that_runs_went() -> None:
    journal = MemoryJournal()
    for place in range(20):
        ran(f"load-{place}", journal, place % 2)

    paths = embedded(report(journal, TaskRun))["paths"]

    assert (len(paths["pictures"]), len(paths["of_run"])) == (2, 20)
    assert all(picture.startswith("<svg") for picture in paths["pictures"])


def test_a_report_of_runs_that_went_their_own_ways_stays_small() -> None:
    journal = MemoryJournal()
    for times in range(60):
        ran(f"load-{times}", journal, times)

    text = report(journal, TaskRun)

    assert len(embedded(text)["paths"]["pictures"]) == 50


def test_a_report_has_the_table_of_each_kind(kept: Journal) -> None:
    tables = embedded(report(kept, TaskRun, Order))["lifecycles"]

    assert {kind.rpartition(":")[2]: table["name"] for kind, table in tables.items()} == {
        "": "TaskRun", "Load": "TaskRun", "Order": "Order", "TaskRun": "TaskRun",
    }  # fmt: skip
