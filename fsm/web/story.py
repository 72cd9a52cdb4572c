"""The story of a run as JSON values, and its notes: refused attempts and late results."""

from __future__ import annotations

from collections import deque
from typing import Any

from fsm.explain import read_story
from fsm.journal import Journal, LateResult
from fsm.lifecycle.refusal import Refusal
from fsm.text import cut, format_time, readable

__all__ = ["MOST", "notes", "story"]

MOST = 200  # refused attempts, and late results, of one run: the last
_MOST_LINES = 500  # lines of a story: the last


def notes(journal: Journal, run: str) -> list[dict[str, Any]]:
    """Return the refused attempts and the late results of a run, sorted by time."""
    refused = map(_refusal_note, deque(journal.refusals(run), MOST))
    late = map(_late_note, deque(journal.late_results(run), MOST))
    return sorted([*refused, *late], key=lambda note: note["ms"])


def story(journal: Journal, run: str) -> dict[str, Any]:
    """Return in sentences what happened to the run, and what it waits for.

    Raises:
        UnknownRun: There is no such run.
    """
    found = read_story(journal, run)
    return {
        "policy": found.policy,
        "status": list(found.status),
        "lines": [{"at": format_time(line.micros), "text": line.text} for line in found.lines][
            -_MOST_LINES:
        ],
    }


def _refusal_note(refusal: Refusal) -> dict[str, Any]:
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


def _late_note(late: LateResult) -> dict[str, Any]:
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
