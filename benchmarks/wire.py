"""Write a state as a dict ready for JSON, and read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pendulum

from states import Retrying, Running, State, Success

from .handwritten import wire as by_hand
from .measure import Effort, Make, Table, take_turns
from .peers import cattrs_functions, installed

__all__ = ["samples", "tables"]


def samples() -> dict[str, State]:
    """A state with a small payload, one with a larger one, and one with a time."""
    context = {"tags": ["nightly", "flights"], "task_run_name": "load-2013"}
    return {
        "Running": Running("Starting task run."),
        "Success": Success("Task run succeeded.", result={"rows": 336776}, context=context),
        "Retrying": Retrying("Again.", start_time=pendulum.datetime(2030, 1, 1), run_count=2),
    }


def tables(effort: Effort) -> Iterator[Table]:
    """Writing, then reading, a state of each kind."""
    for name, state in samples().items():
        wire = state.serialize()
        write: dict[str, Callable[[Any], Any]] = {
            "hand-written": by_hand.write,
            "ours": State.serialize,
        }
        read: dict[str, Callable[[Any], Any]] = {
            "hand-written": by_hand.read,
            "ours": State.deserialize,
        }
        _check(state, wire)
        yield take_turns(
            f"serialize a {name}",
            {who: _calling(function, state) for who, function in write.items()}
            | _cattrs(state, reading=False),
            against="hand-written",
            effort=effort,
            note="hand-written: the same dict, nothing checked",
        )
        yield take_turns(
            f"deserialize a {name}",
            {who: _calling(function, wire) for who, function in read.items()}
            | _cattrs(state, reading=True),
            against="hand-written",
            effort=effort,
            note="hand-written: the same state, by its constructor; only the class is checked",
        )


def _check(state: State, wire: dict[str, Any]) -> None:
    """Raise if the contenders do not produce the same."""
    assert by_hand.write(state) == wire
    read = by_hand.read(wire)
    assert read == state == State.deserialize(wire)
    assert read.message == state.message
    assert read.context == state.context


def _calling(function: Callable[[Any], Any], argument: Any) -> Make:
    def work(times: int) -> None:
        for _ in range(times):
            function(argument)

    return lambda: work


def _cattrs(state: State, *, reading: bool) -> dict[str, Make]:
    if not installed("cattrs"):
        return {}
    write, read = cattrs_functions()
    wire = write(state)
    assert read(wire) == state
    return {"cattrs": _calling(read, wire) if reading else _calling(write, state)}
