"""View: what the page shows, as JSON values. All of it is text to the page, never markup."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

import attrs

from fsm import diagrams
from fsm.diagrams import StateGraph
from fsm.diagrams.build import graph
from fsm.diagrams.color import as_hex, text_on
from fsm.errors import MissingExtra, UnknownRun
from fsm.journal import Journal, Record, Summary
from fsm.run.run import Run
from fsm.states import State, ambient
from fsm.text import cut, format_time, is_dated, readable

from .classes import Catalog
from .story import notes
from .watch import Snapshot

__all__ = [
    "MOST_RUNS", "Query", "as_svg", "history", "lifecycle", "listed", "overview", "page",
    "picture", "timeline",
]  # fmt: skip

MOST_RUNS = 200  # on a page
_MOST_DRAWN = 1000  # runs on a timeline
_MOST_STEPS = 500  # of a run; of more, the last
_LONGEST_MESSAGE = 300  # characters, in a list
_MOST_NAMES = 200  # of kinds, and of states that are in no table

_Pairs = Counter[tuple[str, str]]  # kind and state


@attrs.frozen
class Query:
    """Which runs of a snapshot, and which page of them."""

    state: str = ""
    kind: str = ""
    search: str = ""  # a part of the id, in whatever case
    offset: int = 0
    limit: int = 50

    def found(self, snapshot: Snapshot) -> list[Summary]:
        """All runs that are asked for, the last begun first."""
        part = self.search.casefold()
        return [
            run
            for run in snapshot.runs
            if self.state in ("", run.state)
            and self.kind in ("", run.kind)
            and part in run.run.casefold()
        ]

    def shown(self, found: Sequence[Summary]) -> Sequence[Summary]:
        """The page of them."""
        return found[self.offset : self.offset + self.limit]


def overview(snapshot: Snapshot, catalog: Catalog) -> dict[str, Any]:
    """The states of the tables, then others by name; the kinds by name, with where their runs are.

    What has no runs is not counted.
    """
    pairs = Counter((run.kind, run.state) for run in snapshot.runs)
    states = _summed(pairs, 1)
    known = {node.__name__: node for cls in catalog.classes for node in cls.lifecycle.nodes}
    others = [state for state, _ in states.most_common() if state not in known]
    colors = {state.__name__: as_hex(str(state.color)) for state in State.children()}
    colors |= {name: as_hex(str(node.color)) for name, node in known.items()}
    named = {name: colors.get(name, as_hex("")) for name in (*known, *sorted(others[:_MOST_NAMES]))}
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
            "states": max(0, len(others) - _MOST_NAMES),
        },
    }


def _kinds(pairs: _Pairs, states: Collection[str]) -> dict[str, dict[str, int]]:
    """By kind and state, how many runs there are."""
    most = _summed(pairs, 0).most_common(_MOST_NAMES)
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


def page(snapshot: Snapshot, query: Query) -> dict[str, Any]:
    """One page of the runs that *query* asks for, the last begun first."""
    found = query.found(snapshot)
    runs = [listed(run) for run in query.shown(found)]
    return {"matching": len(found), "offset": query.offset, "runs": runs}


def listed(run: Summary) -> dict[str, Any]:
    """One run of the list."""
    return {
        "run": run.run,
        "state": run.state,
        "phase": run.phase,
        "kind": run.kind,
        "message": None if run.message is None else cut(str(run.message), _LONGEST_MESSAGE),
        "steps": run.steps,
        "began": format_time(run.began),
        "moved": format_time(run.moved),
        "owner": run.owner,
    }


def history(journal: Journal, run: str, after: int = 0) -> dict[str, Any]:
    """What happened to one run, as recorded; its classes need not be there.

    Args:
        after: How many steps are known already.

    Raises:
        UnknownRun: There is no such run.
    """
    summary = journal.summary(run)
    last = deque(journal.records(run) if summary.steps > after else (), _MOST_STEPS)
    return {
        "run": listed(summary),
        "now": ambient.micros() / 1000,
        "steps": _steps(record for record in last if record.seq > after),
        "left_out": max(0, summary.steps - _MOST_STEPS),
        "notes": notes(journal, run),
    }


def lifecycle(drawn: type[Run] | StateGraph | None) -> dict[str, Any]:
    """What `Catalog.drawn` finds for a kind, as SVG, with its name where it is a class."""
    if drawn is None or isinstance(drawn, StateGraph):
        return {"diagram": picture(drawn), "name": None}
    return {"diagram": picture(graph(drawn)), "name": drawn.lifecycle.name}


def as_svg(shown: StateGraph | None) -> str | None:
    """The SVG of it; None where there is nothing to draw, or nothing that can."""
    try:
        return None if shown is None else diagrams.svg(shown)
    except MissingExtra:
        return None


# Kept for what is asked for again: the same graph.
picture: Callable[[StateGraph | None], str | None] = lru_cache(256)(as_svg)


def timeline(journal: Journal, runs: Sequence[Summary], width: int = 1200) -> str:
    """Runs over time, until now, as SVG: the first thousand of them; none that cannot be read."""
    drawn = runs[:_MOST_DRAWN]
    histories = filter(None, (_dated(journal, run.run) for run in drawn))
    kinds = {run.run: run.kind for run in drawn}
    return diagrams.chart(histories, width, until=ambient.micros(), kinds=kinds)


def _dated(journal: Journal, run: str) -> tuple[Record, ...]:
    """The last steps of a run; none if it is there no more, or was at a time that never is."""
    try:
        records = tuple(deque(journal.records(run), _MOST_STEPS))
    except UnknownRun:
        return ()
    return records if all(is_dated(record.micros) for record in records) else ()


def _steps(records: Iterable[Record]) -> Sequence[dict[str, Any]]:
    return [
        {
            "seq": record.seq,
            "event": record.event,
            "source": record.source,
            "dest": record.dest,
            "at": format_time(record.micros),
            "ms": record.micros / 1000,
            "payload": readable(record.payload),
        }
        for record in records
    ]
