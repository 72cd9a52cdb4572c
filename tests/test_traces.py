"""Golden traces: what the reference system was seen to do is legal in our table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pendulum
import pytest

import states
from fsm import TaskRun, perform
from fsm.testing import HandClock
from states import State, ambient

GOLDEN = Path(__file__).parent / "golden"
NOW = pendulum.datetime(2020, 5, 14, 21, 12, 0, 123456)

TRACES = json.loads((GOLDEN / "task_runner_traces.json").read_text("utf-8"))["traces"]
TASK_EDGES = json.loads((GOLDEN / "transitions.json").read_text("utf-8"))["task_edges"]
EDGES = sorted(
    {(each["from"], each["to"]) for trace in TRACES for each in trace["changes"] if "from" in each}
)

# Where the design differs from the reference, which let any code lead anywhere: source, then dests.
FINISHED_STAYS = "a finished run has few ways out, and these are none of them"
NO_WORK_NO_END = "a run that has not run can be skipped, cached, failed or cancelled, not succeed"
DIFFERENT = {
    "Cached": (
        {"Failed", "Mapped", "Paused", "Retrying", "Skipped", "Success"}
        | {"TriggerFailed", "ValidationFailed"},
        FINISHED_STAYS,
    ),
    "Mapped": (
        {"Paused", "Retrying", "Skipped", "Success", "TriggerFailed", "ValidationFailed"},
        FINISHED_STAYS,
    ),
    "Pending": ({"Retrying", "Success", "ValidationFailed"}, NO_WORK_NO_END),
    "Scheduled": ({"Retrying", "Success", "ValidationFailed"}, NO_WORK_NO_END),
    "Paused": ({"Retrying", "Success", "ValidationFailed"}, NO_WORK_NO_END),
    "Resume": ({"Retrying", "Success", "ValidationFailed"}, NO_WORK_NO_END),
    "Retrying": ({"Retrying", "Success", "ValidationFailed"}, NO_WORK_NO_END),
}


def built(wire: dict[str, Any] | None) -> State | None:
    """The state a trace began with; None where the run begins as it likes."""
    if wire is None:
        return None
    given: dict[str, Any] = {"message": wire["message"]}
    if "start_time" in wire:
        given["start_time"] = pendulum.parse(wire["start_time"])
    if "run_count" in wire:
        given["run_count"] = wire["run_count"]
    if "state" in wire:
        given["state"] = built(wire["state"])
    return getattr(states, wire["class"])(**given)


def legal(source: str, dest: str) -> bool:
    lifecycle = TaskRun.lifecycle
    one, other = lifecycle.node(source), lifecycle.node(dest)
    return one is not None and other is not None and bool(lifecycle.leading(one, other))


@pytest.mark.parametrize(("source", "dest"), EDGES)
def test_every_edge_that_was_seen_is_legal(source: str, dest: str) -> None:
    assert legal(source, dest)


def test_the_edges_of_the_reference_are_legal_but_for_those_listed() -> None:
    edges = {(edge["from"], edge["to"]) for edge in TASK_EDGES}
    different = {(source, dest) for source, (dests, _) in DIFFERENT.items() for dest in dests}

    assert {edge for edge in edges if not legal(*edge)} == different


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["desc"])
def test_every_run_that_was_seen_can_be_run(trace: dict[str, Any]) -> None:
    began = built(trace["initial"])
    if type(began) is State:
        assert trace["finals"][0]["class"] == "State"  # no run of ours can be in a bare State
        return
    clock = HandClock(NOW)
    run = TaskRun(state=began, clock=clock, max_retries=2)

    for change in trace["changes"]:
        if "from" not in change:  # the next run of the same task, after its delay
            clock.advance(minutes=10)
            continue
        source, dest = (getattr(states, change[end]) for end in ("from", "to"))
        if run.state.is_looped():
            run.iterate()  # the reference hides it from its handlers
        if run.state.is_meta_state():
            source = type(run.state)  # the reference unwraps first; we start what is wrapped
        assert type(run.state) is source
        with ambient.clock(clock):
            entered = run.enter(dest(message=change["message"]))
        assert type(entered) is dest
        assert entered.message == change["message"]


# No run of ours can be in a bare State; a cached run is at its end until its entry expires, where
# the reference threw it away; and our runner waits for a start to come, where it returned.
OTHERWISE = ("(future)", "state State", "state Cached")
AS_BEFORE = [
    pytest.param(
        trace,
        id=trace["desc"],
    )
    for trace in TRACES
    if trace["desc"].endswith(", task returns 1")
    and not any(way in trace["desc"] for way in OTHERWISE)
]


@pytest.mark.parametrize("trace", AS_BEFORE)
def test_performing_from_a_state_ends_where_the_reference_ended(trace: dict[str, Any]) -> None:
    run = TaskRun(state=built(trace["initial"]), clock=HandClock(NOW))

    state = perform(run, lambda: 1)

    assert type(state).__name__ == trace["finals"][-1]["class"]
