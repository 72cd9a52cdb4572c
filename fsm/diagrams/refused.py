"""Refused: what is said in a picture of what a run was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fsm.lifecycle.refusal import Refusal

from .graph_model import TIMES

__all__ = ["refused"]

_MOST = 3  # events that a state tells of


def refused(refusals: Iterable[Refusal]) -> dict[str, tuple[str, ...]]:
    """The notes of each state where something was refused, by its name."""
    counts: dict[str, Counter[str]] = {}
    for refusal in refusals:
        counts.setdefault(refusal.state, Counter())[refusal.event] += refusal.times
    return {state: tuple(_notes(events)) for state, events in counts.items()}


def _notes(events: Counter[str]) -> Iterator[str]:
    for event, count in events.most_common(_MOST):
        yield f"refused: {event}" + (f" ({count}{TIMES})" if count > 1 else "")
    if (more := len(events) - _MOST) > 0:
        yield f"and {more} other{'s' * (more > 1)}"
