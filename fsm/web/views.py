"""What the page shows, as JSON values. The page takes all of it for text, never for markup."""

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

from .classes import KnownClasses
from .story import notes
from .watch import Snapshot

__all__ = [
    "MOST_RUNS", "Query", "draw", "draw_once", "history", "lifecycle", "overview", "row_of",
    "run_list", "timeline",
]  # fmt: skip

MOST_RUNS = 200  # runs on one page of the list
_MOST_DRAWN = 1000  # runs on a timeline
_MOST_STEPS = 500  # steps of a run: the last
_LONGEST_MESSAGE = 300  # characters of a message in the list
_MOST_NAMES = 200  # kinds, and states that no known lifecycle has: those with most runs

_Pairs = Counter[tuple[str, str]]  # kind and state


@attrs.frozen
class Query:
    """Selects runs of a snapshot, and one page of them."""

    state: str = ""
    kind: str = ""
    search: str = ""  # a part of the id; case is ignored
    offset: int = 0
    limit: int = 50

    def select(self, snapshot: Snapshot) -> list[Summary]:
        """Return all runs that match, the last begun first."""
        part = self.search.casefold()
        return [
            run
            for run in snapshot.runs
            if self.state in ("", run.state)
            and self.kind in ("", run.kind)
            and part in run.run.casefold()
        ]

    def page(self, found: Sequence[Summary]) -> Sequence[Summary]:
        """Return one page of *found*."""
        return found[self.offset : self.offset + self.limit]


def overview(snapshot: Snapshot, known: KnownClasses) -> dict[str, Any]:
    """Return how many runs of each kind are in each state.

    It is sent to every page at every change, so it is bounded, whatever a journal contains: of the
    kinds, and of the states that no known lifecycle has, it names those with the most runs.
    """
    pairs = Counter((run.kind, run.state) for run in snapshot.runs)
    states = _sum_up(pairs, 1)
    nodes = {node.__name__: node for cls in known.classes for node in cls.lifecycle.nodes}
    others = [state for state, _ in states.most_common() if state not in nodes]
    colors = {state.__name__: as_hex(str(state.color)) for state in State.children()}
    colors |= {name: as_hex(str(node.color)) for name, node in nodes.items()}
    named = {name: colors.get(name, as_hex("")) for name in (*nodes, *sorted(others[:_MOST_NAMES]))}
    kinds = _kinds(pairs, named)
    return {
        "version": snapshot.version,
        "trouble": snapshot.trouble,
        "lifecycle": known.default.lifecycle.name,
        "total": len(snapshot.runs),
        "states": [
            {"name": name, "color": color, "ink": text_on(color)} for name, color in named.items()
        ],
        "counts": {name: states[name] for name in named if states[name]},
        "kinds": [{"name": kind, "counts": counts} for kind, counts in kinds.items()],
        "left_out": {
            "kinds": len(_sum_up(pairs, 0)) - len(kinds),
            "states": max(0, len(others) - _MOST_NAMES),
        },
    }


def _kinds(pairs: _Pairs, states: Collection[str]) -> dict[str, dict[str, int]]:
    """Return by kind and state how many runs there are."""
    most = _sum_up(pairs, 0).most_common(_MOST_NAMES)
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in sorted(kind for kind, _ in most)}
    for (kind, state), count in pairs.items():
        if kind in kinds and state in states:
            kinds[kind][state] = count
    return kinds


def _sum_up(pairs: _Pairs, index: int) -> Counter[str]:
    sums = Counter[str]()
    for pair, count in pairs.items():
        sums[pair[index]] += count
    return sums


def run_list(snapshot: Snapshot, query: Query) -> dict[str, Any]:
    """Return one page of the runs that match *query*, the last begun first."""
    found = query.select(snapshot)
    runs = [row_of(run) for run in query.page(found)]
    return {"matching": len(found), "offset": query.offset, "runs": runs}


def row_of(run: Summary) -> dict[str, Any]:
    """Return one row of the list."""
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
    """Return the steps of one run as recorded, without its classes.

    Args:
        journal: Where it is recorded.
        run: Its id.
        after: Only steps with a higher number are returned.

    Raises:
        UnknownRun: There is no such run.
    """
    summary = journal.summary(run)
    last = deque(journal.records(run) if summary.steps > after else (), _MOST_STEPS)
    return {
        "run": row_of(summary),
        "now": ambient.micros() / 1000,
        "steps": _steps(record for record in last if record.seq > after),
        "left_out": max(0, summary.steps - _MOST_STEPS),
        "notes": notes(journal, run),
    }


def lifecycle(drawable: type[Run] | StateGraph | None) -> dict[str, Any]:
    """Return what `KnownClasses.find_drawable` found as SVG, and its name if it is a class."""
    if drawable is None or isinstance(drawable, StateGraph):
        return {"diagram": draw_once(drawable), "name": None}
    return {"diagram": draw_once(graph(drawable)), "name": drawable.lifecycle.name}


def draw(drawn: StateGraph | None) -> str | None:
    """Return the graph as SVG; None if there is none, or Graphviz is not installed."""
    try:
        return None if drawn is None else diagrams.svg(drawn)
    except MissingExtra:
        return None


# Equal graphs are drawn once.
draw_once: Callable[[StateGraph | None], str | None] = lru_cache(256)(draw)


def timeline(journal: Journal, runs: Sequence[Summary], width: int = 1200) -> str:
    """Return the first 1000 of *runs* over time as SVG, without those that cannot be drawn."""
    drawn = runs[:_MOST_DRAWN]
    histories = filter(None, (_drawable_records(journal, run.run) for run in drawn))
    kinds = {run.run: run.kind for run in drawn}
    return diagrams.chart(histories, width, until=ambient.micros(), kinds=kinds)


def _drawable_records(journal: Journal, run: str) -> tuple[Record, ...]:
    """Return the last steps of a run; none if it is gone, or has times outside of the calendar."""
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
