"""Golden traces: what the reference system did is legal in our table, and is reproduced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fsm import TaskRun

from .traces_replayed import LOOP_FAILS, PLAYS, Change, played, seen

GOLDEN = Path(__file__).parent / "golden"

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


def legal(source: str, dest: str) -> bool:
    lifecycle = TaskRun.lifecycle
    one, other = lifecycle.node(source), lifecycle.node(dest)
    return one is not None and other is not None and bool(lifecycle.leading(one, other))


@pytest.mark.parametrize(("source", "dest"), EDGES)
def test_every_edge_of_the_traces_is_legal(source: str, dest: str) -> None:
    assert legal(source, dest)


def test_the_edges_of_the_reference_are_legal_but_for_those_listed() -> None:
    edges = {(edge["from"], edge["to"]) for edge in TASK_EDGES}
    different = {(source, dest) for source, (dests, _) in DIFFERENT.items() for dest in dests}

    assert {edge for edge in edges if not legal(*edge)} == different


# Where ours makes other steps than the reference, and why.
WRAPPED = "the reference unwraps before anybody looks; ours starts what is wrapped"
HIDDEN = "the reference hides one step of its loop; ours has every step in its history"
IN_HISTORY = "what a state handler makes of a step is a step; one that raises forbids it"
NO_STATE = "no run of ours is in a bare State"
KEPT = "an entry that does not expire is kept; the reference throws it away"
ATTEMPTS = "a task that wants to be tried again is, as long as it has attempts left"
ALWAYS_TOLD = "an error of the task is told in the same words, whoever asked to see it raised"

STARTED = "Starting task run."
SUCCEEDED = ("Running", "Success", "Task run succeeded.")
STARTS = ("Pending", "Running", STARTED)
LOOPS = ("Running", "Looped", "Task is looping (1)")
ITERATES = ("Looped", "Pending", "Looping task (on loop index 1)")
USED_UP = "[attempts left] said no: 1 of 1 attempts are used"
FROM_HANDLER = ("Running", "Retrying", "from handler"), ("Retrying", "Running", STARTED)


def booms(attempt: int) -> list[Change]:
    """One attempt that fails in its loop, and the next that begins."""
    return [
        ("Running", "Failed", f"Unexpected error: ValueError('boom at 2, run {attempt}')"),
        ("Failed", "Retrying", f"Retrying Task (after attempt {attempt} of 3)"),
        ("Retrying", "Running", STARTED),
    ]


OTHERWISE: dict[str, tuple[str, list[Change], str]] = {  # why, what ours does, where that ends
    "initial state State, task returns 1": (NO_STATE, [STARTS, SUCCEEDED], "Success"),
    "initial state Cached, task returns 1": (KEPT, [], "Cached"),
    "initial state Queued(Pending), task returns 1": (
        WRAPPED,
        [("Queued", "Running", STARTED), SUCCEEDED],
        "Success",
    ),
    "initial state Submitted(None), task returns 1": (
        WRAPPED,
        [("Submitted", "Running", STARTED), SUCCEEDED],
        "Success",
    ),
    "LOOP without message": (
        HIDDEN,
        [STARTS, LOOPS, ITERATES, STARTS, SUCCEEDED],
        "Success",
    ),
    LOOP_FAILS: (
        HIDDEN,
        [STARTS, LOOPS, ITERATES, STARTS, *booms(1), *booms(2), *booms(3)[:1]],
        "Failed",
    ),
    "task.run raises RETRY('m', start_time=future, run_count=9)": (
        ATTEMPTS,
        [STARTS, ("Running", "Failed", f"cannot retry from Running: {USED_UP}")],
        "Failed",
    ),
    "handler raises RETRY on Success": (
        IN_HISTORY,
        [STARTS, *FROM_HANDLER, *FROM_HANDLER, SUCCEEDED],
        "Success",
    ),
    "task handler raises on Success with retries": (IN_HISTORY, [STARTS], "Running"),
    "raise_on_exception in context": (
        ALWAYS_TOLD,
        [STARTS, ("Running", "Failed", "Unexpected error: ValueError('boom')")],
        "Failed",
    ),
}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["desc"])
def test_a_trace_is_reproduced_unless_it_is_listed(trace: dict[str, Any]) -> None:
    _, *expected = OTHERWISE.get(trace["desc"], ("", *seen(trace)))

    assert played(trace) == tuple(expected)


@pytest.mark.parametrize("desc", OTHERWISE)
def test_each_listed_trace_differs_as_listed(desc: str) -> None:
    (trace,) = (each for each in TRACES if each["desc"] == desc)

    assert played(trace) != seen(trace)


def test_each_listed_description_is_that_of_a_trace() -> None:
    assert PLAYS.keys() | OTHERWISE.keys() <= {trace["desc"] for trace in TRACES}
