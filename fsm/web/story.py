"""Told: a run's story as JSON values, and between its steps what was refused or came too late."""

from __future__ import annotations

from collections import deque
from typing import Any

from fsm.explain import read_story
from fsm.journal import Journal, LateResult
from fsm.lifecycle.refusal import Refusal
from fsm.text import cut, format_time, readable

__all__ = ["MOST", "notes", "story"]

MOST = 200  # notes of each sort, for one run; of more, the last
_MOST_LINES = 500  # of a story; of more, the last


def notes(journal: Journal, run: str) -> list[dict[str, Any]]:
    """What is no step of the run, by its time: attempts that were refused, and late results."""
    refused = map(_refused, deque(journal.refusals(run), MOST))
    late = map(_late, deque(journal.late_results(run), MOST))
    return sorted([*refused, *late], key=lambda note: note["ms"])


def story(journal: Journal, run: str) -> dict[str, Any]:
    """What happened to the run in sentences, and what it waits for.

    Raises:
        UnknownRun: There is no such run.
    """
    told = read_story(journal, run)
    return {
        "policy": told.policy,
        "stands": list(told.status),
        "lines": [{"at": format_time(line.micros), "text": line.text} for line in told.lines][
            -_MOST_LINES:
        ],
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {
        "what": "refused",
        "seq": refusal.seq,
        "event": refusal.event,
        "state": refusal.state,
        "at": format_time(refusal.micros),
        "ms": refusal.micros / 1000,
        "reason": cut(refusal.reason),
        "who": None if refusal.who is None else cut(refusal.who, 200),
    }


def _late(late: LateResult) -> dict[str, Any]:
    return {
        "what": "late",
        "seq": late.seq,
        "event": late.event,
        "state": late.dest,
        "at": format_time(late.micros),
        "ms": late.micros / 1000,
        "reason": cut(late.reason),
        "who": late.owner,
        "payload": readable(late.payload),
    }
