"""Names that nobody bounds: of kinds, states and events."""

from __future__ import annotations

import json
import re

import pytest

from fsm import TaskRun
from fsm.journal import Summary
from fsm.web.brief import brief
from fsm.web.classes import Catalog
from fsm.web.views import Query, listed, overview
from fsm.web.watch import Snapshot

LONG = "shop:" + "x" * 1_000_000
CATALOG = Catalog((TaskRun,))


def summary(run: str, kind: str, state: str = "Running") -> Summary:
    return Summary(run, state, None, 1, 0, 0, kind, "running")


def snapshot(*runs: Summary) -> Snapshot:
    return Snapshot(1, runs)


@pytest.mark.parametrize("name", ["", "Running", "fsm.tasks.task_run:TaskRun", "<b>", "x" * 80])
def test_a_name_that_can_be_read_stays(name: str) -> None:
    assert brief(name) == name


def test_long_names_stay_apart() -> None:
    names = {brief(f"{LONG}{place}") for place in range(100)}

    assert len(names) == 100
    assert max(map(len, names)) <= 80
    assert all(name.startswith("shop:xxx") for name in names)
    assert brief(brief(LONG)) == brief(LONG)


def test_a_name_that_is_no_text_has_a_digest() -> None:
    assert re.fullmatch("\ud800+… [0-9a-f]{16}", brief("\ud800" * 100))


def test_an_overview_holds_what_occurs_alone() -> None:
    runs = [summary(f"{place}", f"kind {place}", f"state {place}") for place in range(150)]

    said = overview(snapshot(*runs, summary("more", "kind 7", "Running")), CATALOG)

    assert sum(len(kind["counts"]) for kind in said["kinds"]) == 151
    assert next(k["counts"] for k in said["kinds"] if k["name"] == "kind 7") == {
        "state 7": 1, "Running": 1,
    }  # fmt: skip
    assert len(said["counts"]) == 151
    assert said["left_out"] == {"kinds": 0, "states": 0}


def test_an_overview_has_an_end() -> None:
    runs = [summary(f"{n}", f"{LONG[:999]}{n}", f"{LONG[:999]}{n}") for n in range(10_000)]

    said = overview(
        snapshot(*runs, *(summary(f"often {n}", "often", "often") for n in range(9))), CATALOG
    )

    assert len(json.dumps(said)) < 150_000
    assert said["left_out"] == {"kinds": 9801, "states": 9801}
    assert said["counts"]["often"] == 9
    assert {"name": "often", "counts": {"often": 9}} in said["kinds"]


def test_a_run_is_found_by_the_brief_name_of_its_kind() -> None:
    runs = snapshot(summary("one", LONG, LONG + "y"), summary("other", LONG + "z"))

    assert [run.run for run in Query(kind=brief(LONG)).found(runs)] == ["one"]
    assert [run.run for run in Query(state=brief(LONG + "y")).found(runs)] == ["one"]
    assert len(json.dumps(listed(runs.runs[0]))) < 600
