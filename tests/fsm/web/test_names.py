"""The overview stays small, however many kinds and states a journal has."""

from __future__ import annotations

import json

from fsm import TaskRun
from fsm.journal import Summary
from fsm.web.classes import KnownClasses
from fsm.web.views import overview
from fsm.web.watch import Snapshot

LONG = "shop:" + "x" * 190  # a name has 200 characters at most
CATALOG = KnownClasses((TaskRun,))


def summary(run: str, kind: str, state: str = "Running") -> Summary:
    return Summary(run, state, None, 1, 0, 0, kind, "running")


def snapshot(*runs: Summary) -> Snapshot:
    return Snapshot(1, runs)


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
    runs = [summary(f"{n}", f"{LONG}{n}", f"{LONG}{n}") for n in range(10_000)]

    said = overview(
        snapshot(*runs, *(summary(f"often {n}", "often", "often") for n in range(9))), CATALOG
    )

    assert len(json.dumps(said)) < 200_000
    assert said["left_out"] == {"kinds": 9801, "states": 9801}
    assert said["counts"]["often"] == 9
    assert {"name": "often", "counts": {"often": 9}} in said["kinds"]
