"""Overview: how many runs of each kind are in each state.

The law of this file: it is told to each page at each change, so it has an end, whatever a journal
says there is. Of kinds, and of states that are in no table, it names those with the most runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from fsm.diagrams.color import safe, text_on
from fsm.states import State

from .brief import brief
from .classes import Catalog
from .watch import Snapshot

__all__ = ["overview"]

_MOST = 200  # names

_Pairs = Counter[tuple[str, str]]  # kind and state


def overview(snapshot: Snapshot, catalog: Catalog) -> dict[str, Any]:
    """The states of the tables, then others by name; the kinds by name, with where their runs are.

    What has no runs is not counted.
    """
    pairs = Counter((brief(run.kind), brief(run.state)) for run in snapshot.runs)
    states = _summed(pairs, 1)
    known = {brief(node.__name__): node for cls in catalog.classes for node in cls.lifecycle.nodes}
    others = [state for state, _ in states.most_common() if state not in known]
    colors = {state.__name__: safe(str(state.color)) for state in State.children()}
    colors |= {name: safe(str(node.color)) for name, node in known.items()}
    named = {name: colors.get(name, safe("")) for name in (*known, *sorted(others[:_MOST]))}
    kinds = _kinds(pairs, named)
    return {
        "version": snapshot.version,
        "trouble": snapshot.trouble,
        "lifecycle": catalog.main.lifecycle.name,
        "total": len(snapshot.runs),
        "states": [
            {"name": name, "color": color, "ink": text_on(color)} for name, color in named.items()
        ],
        "counts": {name: states[name] for name in named if states[name]},
        "kinds": [{"name": kind, "counts": counts} for kind, counts in kinds.items()],
        "left_out": {
            "kinds": len(_summed(pairs, 0)) - len(kinds),
            "states": max(0, len(others) - _MOST),
        },
    }


def _kinds(pairs: _Pairs, states: Collection[str]) -> dict[str, dict[str, int]]:
    """By kind and state, how many runs there are."""
    most = _summed(pairs, 0).most_common(_MOST)
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in sorted(kind for kind, _ in most)}
    for (kind, state), count in pairs.items():
        if kind in kinds and state in states:
            kinds[kind][state] = count
    return kinds


def _summed(pairs: _Pairs, place: int) -> Counter[str]:
    sums = Counter[str]()
    for pair, count in pairs.items():
        sums[pair[place]] += count
    return sums
